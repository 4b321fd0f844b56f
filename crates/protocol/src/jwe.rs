//! JWE with `alg` = `dir` and `enc` = `A128CBC-HS256` (RFC 7516, RFC 7518 §5.2), carried in binary:
//! `u16 header length ‖ header ‖ IV (16) ‖ ciphertext ‖ tag (16)`, all integers big-endian.
//!
//! The header is a fixed structure and must be exactly what the receiver expects: nothing in it
//! chooses an algorithm or a key. The tag is compared in constant time before anything is decrypted.

use crate::keys::{Key, equal, mac};
use crate::limits::HEADER_BYTES_MAX;
use aes::Aes128;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

/// Why sealed bytes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JweError {
    /// The bytes are no JWE in our binary form.
    #[error("the bytes are not a sealed message: cut short or a wrong length")]
    Malformed,
    /// The header is not the one that these keys and this kind of message have.
    #[error("the header is not the expected one")]
    Header,
    /// The tag does not fit: altered, or sealed with another key.
    #[error("the authentication tag does not fit")]
    Tag,
}

/// The protected header of a message: its kind and the key it is sealed with.
fn header(kind: &str, key_id: &str) -> Vec<u8> {
    format!(r#"{{"alg":"dir","enc":"A128CBC-HS256","kid":"{key_id}","typ":"{kind}"}}"#).into_bytes()
}

/// Encrypts and authenticates `plain`. `kind` and `key_id` are plain words without quotes.
/// `iv` must not be predictable; see [`hedged_iv`].
pub fn seal(key: &Key, kind: &str, key_id: &str, iv: [u8; 16], plain: &[u8]) -> Vec<u8> {
    let header = header(kind, key_id);
    let (cipher, tag) = encrypt(key.expose(), &URL_SAFE_NO_PAD.encode(&header), iv, plain);
    let length = u16::try_from(header.len()).expect("kind and key id are short words of ours");
    let mut sealed = Vec::with_capacity(2 + header.len() + 16 + cipher.len() + 16);
    sealed.extend_from_slice(&length.to_be_bytes());
    sealed.extend_from_slice(&header);
    sealed.extend_from_slice(&iv);
    sealed.extend_from_slice(&cipher);
    sealed.extend_from_slice(&tag);
    sealed
}

/// Checks and decrypts what [`seal`] made with the same key, kind and key id.
pub fn open(key: &Key, kind: &str, key_id: &str, sealed: &[u8]) -> Result<Vec<u8>, JweError> {
    let length = sealed.first_chunk::<2>().ok_or(JweError::Malformed)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > HEADER_BYTES_MAX || sealed.len() < 2 + length + 16 + 16 + 16 {
        return Err(JweError::Malformed);
    }
    let (head, rest) = sealed[2..].split_at(length);
    if head != header(kind, key_id) {
        return Err(JweError::Header);
    }
    let (iv, rest) = rest.split_first_chunk::<16>().ok_or(JweError::Malformed)?;
    let (cipher, tag) = rest.split_last_chunk::<16>().ok_or(JweError::Malformed)?;
    decrypt(key.expose(), &URL_SAFE_NO_PAD.encode(head), *iv, cipher, *tag)
}

/// The same message in JWE compact serialisation (RFC 7516 §7.1), for other implementations.
/// `None` when the bytes are not in our binary form.
pub fn to_compact(sealed: &[u8]) -> Option<String> {
    let length = usize::from(u16::from_be_bytes(*sealed.first_chunk::<2>()?));
    let header = sealed.get(2..2 + length)?;
    let (iv, rest) = sealed.get(2 + length..)?.split_first_chunk::<16>()?;
    let (cipher, tag) = rest.split_last_chunk::<16>()?;
    let [header, iv, cipher, tag] = [header, iv, cipher, tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    Some(format!("{header}..{iv}.{cipher}.{tag}"))
}

/// An unpredictable initialisation vector even where the operating system's randomness is poor:
/// `HMAC(iv key, random ‖ SHA-256(plain))`, cut to 16 bytes.
pub fn hedged_iv(iv_key: &Key, random: [u8; 16], plain: &[u8]) -> [u8; 16] {
    let digest = iv_key.mac(&[&random, &crate::keys::sha256(&[plain])]);
    *digest.first_chunk::<16>().expect("a digest of 32 bytes has 16")
}

/// RFC 7518 §5.2.2.1: the first half of the key authenticates, the second encrypts.
fn encrypt(key: &[u8; 32], aad: &str, iv: [u8; 16], plain: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let (mac_key, enc_key) = key.split_at(16);
    let cipher = cbc::Encryptor::<Aes128>::new_from_slices(enc_key, &iv)
        .expect("a 16 byte key and a 16 byte IV")
        .encrypt_padded_vec::<Pkcs7>(plain);
    let tag = tag(mac_key, aad.as_bytes(), iv, &cipher);
    (cipher, tag)
}

fn decrypt(key: &[u8; 32], aad: &str, iv: [u8; 16], cipher: &[u8], sent_tag: [u8; 16]) -> Result<Vec<u8>, JweError> {
    let (mac_key, enc_key) = key.split_at(16);
    if !equal(&tag(mac_key, aad.as_bytes(), iv, cipher), &sent_tag) {
        return Err(JweError::Tag);
    }
    cbc::Decryptor::<Aes128>::new_from_slices(enc_key, &iv)
        .expect("a 16 byte key and a 16 byte IV")
        .decrypt_padded_vec::<Pkcs7>(cipher)
        .map_err(|_| JweError::Malformed)
}

fn tag(mac_key: &[u8], aad: &[u8], iv: [u8; 16], cipher: &[u8]) -> [u8; 16] {
    let bits = u64::try_from(aad.len()).expect("a header is short") * 8;
    let digest = mac(mac_key, &[aad, &iv, cipher, &bits.to_be_bytes()]);
    *digest.first_chunk::<16>().expect("a digest of 32 bytes has 16")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7518 appendix B.1, where the additional data is the text itself and not a header.
    #[test]
    fn rfc_7518_b1_gives_the_published_ciphertext_and_tag() {
        let key: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).expect("below 32"));
        let plain = b"A cipher system must not be required to be secret, and it must be able to \
                      fall into the hands of the enemy without inconvenience";
        let aad = "The second principle of Auguste Kerckhoffs";
        let iv: crate::Hex<16> = "1af38c2dc2b96ffdd86694092341bc04".parse().expect("hex");
        let (cipher, tag) = encrypt(&key, aad, iv.0, plain);
        assert_eq!(crate::Hex(tag).to_string(), "652c3fa36b0a7c5b3219fab3a30bc1c4");
        let head: [u8; 16] = *cipher.first_chunk().expect("long enough");
        assert_eq!(crate::Hex(head).to_string(), "c80edfa32ddf39d5ef00c0b468834279");
        assert_eq!(decrypt(&key, aad, iv.0, &cipher, tag).expect("opens"), plain);
    }

    #[test]
    fn any_altered_byte_is_refused() {
        let key = Key::new([7; 32]);
        let sealed = seal(&key, "test", "a.0", [9; 16], b"usage");
        assert_eq!(open(&key, "test", "a.0", &sealed).expect("opens"), b"usage");
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert!(open(&key, "test", "a.0", &altered).is_err(), "byte {index}");
        }
        for length in 0..sealed.len() {
            assert!(open(&key, "test", "a.0", &sealed[..length]).is_err(), "cut to {length}");
        }
        assert_eq!(open(&key, "other", "a.0", &sealed), Err(JweError::Header));
        assert_eq!(open(&key, "test", "b.0", &sealed), Err(JweError::Header));
        assert_eq!(open(&Key::new([8; 32]), "test", "a.0", &sealed), Err(JweError::Tag));
    }
}
