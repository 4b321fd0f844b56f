//! A logo before it is kept or drawn: what kind of picture it is, that it is small in every way, and nothing of its
//! file but the picture.
//!
//! Somebody uploads it: a few bytes can say a picture of a million megapixels, and a photograph says where it was
//! taken. Deliberately absent: drawings (SVG), which can hold far more than they say; decoding, which whoever draws
//! the picture does; and turning one whose file only says that it is to be turned.

/// Bytes that a logo may have.
const SIZE_MAX_BYTES: usize = 512 * 1024;
/// Pixels that a side may have.
const SIDE_MAX_PIXELS: u32 = 4_096;
/// Pixels that a picture may have.
const PIXELS_MAX: u64 = 4_000_000;
/// Passes in which a JPEG may be written; each goes over the whole picture.
const SCANS_MAX: usize = 32;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Bytes of a chunk of a PNG beside its body: length, name and checksum.
const AROUND_CHUNK: usize = 12;
const JPEG: &[u8] = b"\xff\xd8";
const END_OF_JPEG: u8 = 0xd9;
/// Components of a JPEG for print machines.
const CMYK: u8 = 4;

/// Why a logo cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// The file is too large.
    #[error("it has {bytes} bytes, at most {most} are taken", most = SIZE_MAX_BYTES)]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// The picture is too large.
    #[error("it is {width} × {height} pixels; at most {most} on a side and {all} in all are taken",
        most = SIDE_MAX_PIXELS, all = PIXELS_MAX)]
    TooManyPixels {
        /// Pixels from side to side.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// Another kind of file.
    #[error("it is not a PNG or JPEG")]
    Kind,
    /// A picture that ends too early, or contradicts itself.
    #[error("it is damaged; save it again")]
    Damaged,
    /// A JPEG of a kind that few programs draw.
    #[error("it is an unusual kind of JPEG; save it again, in RGB and with 8 bits a colour")]
    Unusual,
    /// Colours that only print machines know.
    #[error("it is a JPEG in CMYK; save it in RGB")]
    Cmyk,
}

/// What kind of picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
}

/// A picture that may be drawn: PNG or JPEG, small, and without anything that is not the picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    kind: Kind,
    bytes: Vec<u8>,
}

impl Logo {
    /// The picture of a file, without the texts, times, places, profiles and further pictures that stood beside it.
    /// What this gives reads back as the same.
    ///
    /// # Errors
    ///
    /// It is no PNG or JPEG, larger than 512 KiB or than 4 000 000 pixels, or not whole.
    pub fn read(file: &[u8]) -> Result<Logo, LogoError> {
        if file.len() > SIZE_MAX_BYTES {
            return Err(LogoError::TooLarge { bytes: file.len() });
        }
        if let Some(chunks) = file.strip_prefix(PNG) {
            return Ok(Logo { kind: Kind::Png, bytes: png(chunks)? });
        }
        let segments = file.strip_prefix(JPEG).ok_or(LogoError::Kind)?;
        Ok(Logo { kind: Kind::Jpeg, bytes: jpeg(segments)? })
    }

    /// The picture's file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What its file is called.
    pub fn file(&self) -> &'static str {
        match self.kind {
            Kind::Png => "logo.png",
            Kind::Jpeg => "logo.jpg",
        }
    }

    /// Its content type.
    pub fn content_type(&self) -> &'static str {
        match self.kind {
            Kind::Png => "image/png",
            Kind::Jpeg => "image/jpeg",
        }
    }
}

fn sides((width, height): (u32, u32)) -> Result<(), LogoError> {
    if width == 0 || height == 0 {
        return Err(LogoError::Damaged);
    }
    let is_small = u64::from(width) * u64::from(height) <= PIXELS_MAX;
    if width > SIDE_MAX_PIXELS || height > SIDE_MAX_PIXELS || !is_small {
        return Err(LogoError::TooManyPixels { width, height });
    }
    Ok(())
}

/// A PNG of the chunks that are the picture.
fn png(chunks: &[u8]) -> Result<Vec<u8>, LogoError> {
    let (mut kept, mut rest, mut is_first) = (PNG.to_vec(), chunks, true);
    while let Some((chunk, after)) = next_chunk(rest) {
        if is_first {
            sides(header(chunk).ok_or(LogoError::Damaged)?)?;
        }
        match chunk.get(4..8).unwrap_or_default() {
            b"IHDR" if !is_first => return Err(LogoError::Damaged),
            b"IHDR" | b"PLTE" | b"tRNS" | b"IDAT" => kept.extend_from_slice(chunk),
            b"IEND" => {
                kept.extend_from_slice(chunk);
                return Ok(kept);
            }
            _ => {}
        }
        (rest, is_first) = (after, false);
    }
    Err(LogoError::Damaged)
}

/// The first chunk of a PNG with its length and checksum, and what follows it.
fn next_chunk(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = u32::from_be_bytes(*bytes.first_chunk::<4>()?);
    bytes.split_at_checked(usize::try_from(length).ok()?.checked_add(AROUND_CHUNK)?)
}

/// The sides as the first chunk of a PNG says them.
fn header(chunk: &[u8]) -> Option<(u32, u32)> {
    let body = chunk.get(4..)?.strip_prefix(b"IHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(*body.get(at..)?.first_chunk::<4>()?));
    Some((number(0)?, number(4)?))
}

/// A JPEG of the segments that are the picture.
fn jpeg(segments: &[u8]) -> Result<Vec<u8>, LogoError> {
    let (mut kept, mut rest) = (JPEG.to_vec(), segments);
    let (mut frames, mut scans) = (0, 0);
    while let Some((marker, body)) = next_marker(rest) {
        if marker == END_OF_JPEG {
            kept.extend([0xff, marker]);
            return if frames == 1 && scans > 0 { Ok(kept) } else { Err(LogoError::Damaged) };
        }
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            // A marker without a body, which means nothing between segments.
            rest = body;
            continue;
        }
        let (segment, after) = segment(body).ok_or(LogoError::Damaged)?;
        let mut data: &[u8] = &[];
        let is_kept = match marker {
            0xc0..=0xc2 => {
                frames += 1;
                frame(segment)?;
                true
            }
            // Without loss, in steps, or with arithmetic codes.
            0xc3 | 0xc5..=0xcf => return Err(LogoError::Unusual),
            0xda => {
                scans += 1;
                data = scan(after).ok_or(LogoError::Damaged)?;
                true
            }
            // Tables, what kind of file it is, and how its colours are turned.
            0xc4 | 0xdb | 0xdd | 0xe0 | 0xee => true,
            _ => false,
        };
        if frames > 1 || scans > SCANS_MAX {
            return Err(LogoError::Unusual);
        }
        if is_kept {
            kept.extend([0xff, marker]);
            kept.extend_from_slice(segment);
            kept.extend_from_slice(data);
        }
        rest = after.get(data.len()..).unwrap_or_default();
    }
    Err(LogoError::Damaged)
}

/// The first marker and what follows it; bytes that only fill are passed over.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let after = bytes.strip_prefix(b"\xff")?;
    let fill = after.iter().take_while(|byte| **byte == 0xff).count();
    let (marker, rest) = after.get(fill..)?.split_first()?;
    Some((*marker, rest))
}

/// The body of a segment with its length, which counts itself, and what follows it.
fn segment(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk::<2>()?));
    if length < 2 { None } else { bytes.split_at_checked(length) }
}

/// Judges what a frame says of the picture.
fn frame(segment: &[u8]) -> Result<(), LogoError> {
    let side = |at: usize| Some(u32::from(u16::from_be_bytes(*segment.get(at..)?.first_chunk::<2>()?)));
    let said = || Some((side(5)?, side(3)?, *segment.get(2)?, *segment.get(7)?));
    let (width, height, bits, components) = said().ok_or(LogoError::Damaged)?;
    sides((width, height))?;
    match (bits, components) {
        (8, 1 | 3) => Ok(()),
        (8, CMYK) => Err(LogoError::Cmyk),
        _ => Err(LogoError::Unusual),
    }
}

/// The coded picture up to the next marker.
fn scan(bytes: &[u8]) -> Option<&[u8]> {
    let is_marker = |pair: &[u8]| matches!(pair, [0xff, next] if !matches!(*next, 0 | 0xd0..=0xd7));
    bytes.get(..bytes.windows(2).position(is_marker)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).expect("a short body");
        [length.to_be_bytes().as_slice(), name, body, b"csum"].concat()
    }

    fn png_of(width: u32, height: u32, beside: &[u8]) -> Vec<u8> {
        let header = [width.to_be_bytes().as_slice(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat();
        let (picture, end) = (chunk(b"IDAT", b"picture"), chunk(b"IEND", b""));
        [PNG, &chunk(b"IHDR", &header), beside, &picture, &end].concat()
    }

    fn segment_of(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len() + 2).expect("a short body");
        [[0xff, marker].as_slice(), &length.to_be_bytes(), body].concat()
    }

    fn frame_of(width: u16, height: u16, components: u8) -> Vec<u8> {
        let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
        segment_of(0xc2, &[[8].as_slice(), &sides, &[components, 1, 0x11, 0]].concat())
    }

    /// A JPEG with so many scans.
    fn jpeg_of(frame: &[u8], beside: &[u8], scans: usize) -> Vec<u8> {
        let scan = [segment_of(0xda, b"\x01\x01\0\0\x3f\0"), b"code\xff\0\xff\xd3code".to_vec()].concat();
        [JPEG, &segment_of(0xe0, b"JFIF\0"), beside, frame, &scan.repeat(scans), b"\xff\xd9"].concat()
    }

    fn file(bytes: &[u8]) -> Result<&'static str, LogoError> {
        Logo::read(bytes).map(|logo| logo.file())
    }

    #[test]
    fn pictures_are_known_by_what_is_in_them() {
        assert_eq!(file(&png_of(300, 100, b"")), Ok("logo.png"));
        assert_eq!(file(&jpeg_of(&frame_of(300, 100, 3), b"\xff", 10)), Ok("logo.jpg"));
        assert_eq!(file(&jpeg_of(&frame_of(300, 100, 1), b"", 1)), Ok("logo.jpg"));
        for other in [b"GIF89a".as_slice(), b"", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>"] {
            assert_eq!(file(other), Err(LogoError::Kind), "{other:?}");
        }
    }

    #[test]
    fn only_the_picture_is_kept() {
        let told = [chunk(b"tEXt", b"Author\0Ada"), chunk(b"eXIf", b"a place"), chunk(b"iCCP", b"colours")].concat();
        let trailer = [png_of(3, 2, &told).as_slice(), b"a program"].concat();
        assert_eq!(Logo::read(&trailer).map(|logo| logo.bytes), Ok(png_of(3, 2, b"")));
        let told = [segment_of(0xe1, b"Exif\0\0a place"), segment_of(0xfe, b"Ada")].concat();
        let frame = frame_of(3, 2, 3);
        let trailer = [jpeg_of(&frame, &told, 2).as_slice(), b"a program"].concat();
        assert_eq!(Logo::read(&trailer).map(|logo| logo.bytes), Ok(jpeg_of(&frame, b"", 2)));
        for whole in [png_of(3, 2, b""), jpeg_of(&frame, b"", 2)] {
            assert_eq!(Logo::read(&whole).map(|logo| logo.bytes), Ok(whole));
        }
    }

    #[test]
    fn what_would_need_too_much_is_refused() {
        let large = |width, height| Err(LogoError::TooManyPixels { width, height });
        assert_eq!(file(&png_of(4_097, 1, b"")), large(4_097, 1));
        assert_eq!(file(&png_of(4_000, 1_001, b"")), large(4_000, 1_001));
        assert_eq!(file(&jpeg_of(&frame_of(1, 4_097, 3), b"", 1)), large(1, 4_097));
        assert_eq!(file(&jpeg_of(&frame_of(30, 10, 4), b"", 1)), Err(LogoError::Cmyk));
        assert_eq!(file(&jpeg_of(&frame_of(30, 10, 2), b"", 1)), Err(LogoError::Unusual));
        assert_eq!(file(&jpeg_of(&frame_of(30, 10, 3), b"", SCANS_MAX + 1)), Err(LogoError::Unusual));
        assert_eq!(file(&jpeg_of(&segment_of(0xc9, b"\x08\0\x01\0\x01\x03"), b"", 1)), Err(LogoError::Unusual));
        let bytes = SIZE_MAX_BYTES + 1;
        assert_eq!(file(" ".repeat(bytes).as_bytes()), Err(LogoError::TooLarge { bytes }));
    }

    #[test]
    fn a_part_of_a_picture_is_damaged() {
        for whole in [png_of(3, 2, b""), jpeg_of(&frame_of(3, 2, 3), b"", 2)] {
            for end in PNG.len()..whole.len() {
                assert_eq!(file(&whole[..end]), Err(LogoError::Damaged), "{end}");
            }
        }
        for none in [png_of(0, 2, b""), png_of(3, 2, &chunk(b"IHDR", b"")), jpeg_of(b"", b"", 1)] {
            assert_eq!(file(&none), Err(LogoError::Damaged));
        }
    }
}
