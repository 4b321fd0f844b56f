//! Passwords: Argon2id, two at a time, so that signing in cannot eat the machine.
//!
//! Deliberately absent: rules about characters. A first password is random; what is stored is a PHC
//! string that names its own parameters.

use crate::Portal;
use crate::shell::Error;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use protocol::Hex;
use tokio::sync::Semaphore;

/// Memory of one hash, in KiB.
const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;

/// How many passwords are hashed at a time: 19 MiB and one core each.
static HASHING: Semaphore = Semaphore::const_new(2);

/// A password cannot be hashed, or what is stored is no hash.
#[derive(Debug, thiserror::Error)]
#[error("hash a password: {0}")]
pub(crate) struct HashError(String);

impl HashError {
    fn of(error: &dyn std::fmt::Display) -> HashError {
        HashError(error.to_string())
    }
}

/// Hashes a password. Takes tens of milliseconds: never on a thread that serves requests.
pub(crate) fn hash_password(password: &str, salt: [u8; 16]) -> Result<String, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| HashError::of(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: Result<PasswordHash, _> = argon2.hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.map_err(|error| HashError::of(&error))?.to_string())
}

/// Whether `password` is the one of `stored`.
fn matches(password: &str, stored: &str) -> Result<bool, HashError> {
    let stored = PasswordHash::new(stored).map_err(|error| HashError::of(&error))?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &stored).is_ok())
}

/// Whether `password` is the one of `stored`; without a stored one it takes the same time and is not.
pub(super) async fn verify(password: String, stored: Option<String>) -> Result<bool, Error> {
    let check = move || match stored {
        Some(stored) => matches(&password, &stored),
        None => hash_password(&password, [0; 16]).map(|_| false),
    };
    aside(check).await
}

/// A random password with its hash. The password is shown once and kept nowhere.
pub(crate) struct FirstPassword {
    /// What is shown: 96 random bits.
    pub(crate) password: String,
    /// What is stored.
    pub(crate) hash: String,
}

/// Makes a first password for somebody.
pub(crate) async fn first_password(portal: &Portal) -> Result<FirstPassword, Error> {
    let password = Hex(portal.surroundings().random::<12>()).to_string();
    let (salt, hashed) = (portal.surroundings().random::<16>(), password.clone());
    let hash = aside(move || hash_password(&hashed, salt)).await?;
    Ok(FirstPassword { password, hash })
}

/// Runs `work` on a blocking thread when it is its turn.
async fn aside<T>(work: impl FnOnce() -> Result<T, HashError> + Send + 'static) -> Result<T, Error>
where
    T: Send + 'static,
{
    let turn = HASHING.acquire().await.map_err(internal)?;
    // The turn ends with the work, even when nobody waits for its answer any more.
    let done = tokio::task::spawn_blocking(move || {
        let done = work();
        drop(turn);
        done
    });
    done.await.map_err(internal)?.map_err(internal)
}

/// An error of ours.
pub(super) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Internal(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_only() {
        let stored = hash_password("plot 841 × 1189", [7; 16]).expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(matches("plot 841 × 1189", &stored).expect("a hash"));
        assert!(!matches("plot 841 x 1189", &stored).expect("a hash"));
        assert!(matches("", "plain text").is_err());
    }
}
