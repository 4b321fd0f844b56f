//! Judges a logo before it is drawn: what kind of file it is, and that it is small enough in every way.
//!
//! Somebody uploads it, and a few bytes can say a picture of a million megapixels, or drawings that hold
//! each other. Deliberately absent: decoding, which Typst does; a damaged file is its error.

/// Bytes that a logo may have.
const SIZE_MAX_BYTES: usize = 512 * 1024;
/// Pixels that a side may have.
const SIDE_MAX_PIXELS: u32 = 4_096;
/// Times that a drawing may repeat a part of itself; each may hold others.
const REPEATS_MAX: usize = 16;
/// Elements of a drawing that could hold a picture, a program, or far more than they say.
const REFUSED: [&str; 6] = ["!ENTITY", "filter", "foreignObject", "image", "pattern", "script"];

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";
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
    #[error("it is {width} × {height} pixels, a side has at most {most}", most = SIDE_MAX_PIXELS)]
    TooManyPixels {
        /// Pixels from side to side.
        width: u32,
        /// Pixels from top to bottom.
        height: u32,
    },
    /// Another kind of file, or the start of one.
    #[error("it is not a PNG, JPEG or SVG")]
    Kind,
    /// Colours that only print machines know.
    #[error("it is a JPEG in CMYK; save it in RGB")]
    Cmyk,
    /// A drawing with something in it that is not drawn.
    #[error("the drawing holds <{0}>, which is not taken; save it as plain shapes")]
    Holds(&'static str),
    /// A drawing that repeats its parts too often.
    #[error("the drawing repeats its parts more than {most} times; save it as plain shapes", most = REPEATS_MAX)]
    Repeats,
}

/// A logo that may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Logo<'a> {
    /// The name of its file, which says what it is.
    pub(crate) file: &'static str,
    /// What is in it.
    pub(crate) bytes: &'a [u8],
}

/// Judges a logo.
pub(crate) fn check(bytes: &[u8]) -> Result<Logo<'_>, LogoError> {
    if bytes.len() > SIZE_MAX_BYTES {
        return Err(LogoError::TooLarge { bytes: bytes.len() });
    }
    let file = if bytes.starts_with(PNG) {
        sides(png(bytes).ok_or(LogoError::Kind)?)?;
        "logo.png"
    } else if bytes.starts_with(JPEG) {
        let (size, components) = jpeg(bytes).ok_or(LogoError::Kind)?;
        sides(size)?;
        if components == CMYK {
            return Err(LogoError::Cmyk);
        }
        "logo.jpg"
    } else {
        svg(std::str::from_utf8(bytes).map_err(|_| LogoError::Kind)?)?;
        "logo.svg"
    };
    Ok(Logo { file, bytes })
}

fn sides((width, height): (u32, u32)) -> Result<(), LogoError> {
    if width > SIDE_MAX_PIXELS || height > SIDE_MAX_PIXELS {
        return Err(LogoError::TooManyPixels { width, height });
    }
    Ok(())
}

/// The sides as the first chunk of a PNG says them.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(PNG.len()..)?.get(4..)?.strip_prefix(b"IHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

/// The sides as the frame of a JPEG says them, and how many colour components it has.
fn jpeg(bytes: &[u8]) -> Option<((u32, u32), u8)> {
    let mut rest = bytes.get(2..)?;
    loop {
        let marker = *rest.strip_prefix(b"\xff")?.first()?;
        let body = rest.get(2..)?;
        match marker {
            // Fill bytes, and markers without a body.
            0xff => rest = rest.get(1..)?,
            0x01 | 0xd0..=0xd8 => rest = body,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let side = |at: usize| Some(u32::from(u16::from_be_bytes(body.get(at..at + 2)?.try_into().ok()?)));
                return Some(((side(5)?, side(3)?), *body.get(7)?));
            }
            _ => {
                let length = u16::from_be_bytes(body.get(..2)?.try_into().ok()?);
                // The length counts its own two bytes; less would turn in a circle.
                rest = body.get(usize::from(length.max(2))..)?;
            }
        }
    }
}

/// That a drawing is one, and holds shapes only.
fn svg(text: &str) -> Result<(), LogoError> {
    let (mut is_drawing, mut repeats) = (false, 0);
    for name in elements(text) {
        if let Some(refused) = REFUSED.into_iter().find(|refused| refused.eq_ignore_ascii_case(name)) {
            return Err(LogoError::Holds(refused));
        }
        is_drawing |= name == "svg";
        repeats += usize::from(name == "use");
    }
    if !is_drawing || !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return Err(LogoError::Kind);
    }
    if repeats > REPEATS_MAX { Err(LogoError::Repeats) } else { Ok(()) }
}

/// The names of elements, without the prefix of their namespace.
fn elements(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).map(|rest| {
        let name = rest.split(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).next().unwrap_or_default();
        name.rsplit(':').next().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        [PNG, b"\0\0\0\x0dIHDR", &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x06\0\0\0"].concat()
    }

    fn jpeg_of(width: u16, height: u16, components: u8) -> Vec<u8> {
        let sides = [height.to_be_bytes(), width.to_be_bytes()].concat();
        let frame = [b"\xff\xc0\0\x11\x08".as_slice(), &sides, &[components]].concat();
        [b"\xff\xd8\xff\xe0\0\x04ab".as_slice(), b"\xff\xff\xfe\0\x03c", &frame].concat()
    }

    fn judged(bytes: &[u8]) -> Result<&'static str, LogoError> {
        check(bytes).map(|logo| logo.file)
    }

    #[test]
    fn pictures_are_known_by_what_is_in_them() {
        assert_eq!(judged(&png_of(300, 100)), Ok("logo.png"));
        assert_eq!(judged(&jpeg_of(300, 100, 3)), Ok("logo.jpg"));
        assert_eq!(judged(b"\xef\xbb\xbf<?xml version=\"1.0\"?><svg:svg/>"), Ok("logo.svg"));
        let others = [b"GIF89a".as_slice(), b"", b"%PDF-1.7", b"<html></html>", PNG, b"\xff\xd8\xff\xe0"];
        for other in others {
            assert_eq!(judged(other), Err(LogoError::Kind), "{other:?}");
        }
    }

    #[test]
    fn what_would_need_too_much_is_refused() {
        let too_wide = Err(LogoError::TooManyPixels { width: 4_097, height: 1 });
        assert_eq!(judged(&png_of(4_097, 1)), too_wide);
        assert_eq!(judged(&jpeg_of(4_097, 1, 3)), too_wide);
        assert_eq!(judged(&jpeg_of(30, 10, 4)), Err(LogoError::Cmyk));
        let large = " ".repeat(SIZE_MAX_BYTES + 1);
        assert_eq!(judged(large.as_bytes()), Err(LogoError::TooLarge { bytes: large.len() }));
        assert_eq!(judged(b"<svg><x:image href='a'/></svg>"), Err(LogoError::Holds("image")));
        assert_eq!(judged(b"<!DOCTYPE a [<!ENTITY b 'c'>]><svg/>"), Err(LogoError::Holds("!ENTITY")));
        let repeating = format!("<svg>{}</svg>", "<use href='#a'/>".repeat(REPEATS_MAX + 1));
        assert_eq!(judged(repeating.as_bytes()), Err(LogoError::Repeats));
    }
}
