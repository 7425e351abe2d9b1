//! The characters of a table: encodings as spreadsheets and loggers write them.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of `bytes`, and how it was read where that is not plain UTF-8.
///
/// A byte order mark decides; without one, text that is not UTF-8 is UTF-16 where every other byte of its beginning is 0,
/// and Windows-1252 (Latin-1 and more) otherwise.
pub(super) fn decode(bytes: Vec<u8>) -> (String, Option<String>) {
    if let Some((encoding, _)) = Encoding::for_bom(&bytes) {
        let note = (encoding != UTF_8).then(|| said(encoding));
        return (encoding.decode(&bytes).0.into_owned(), note);
    }
    let encoding = match bytes[..] {
        [0, first, 0, second, ..] if first != 0 && second != 0 => UTF_16BE,
        [first, 0, second, 0, ..] if first != 0 && second != 0 => UTF_16LE,
        _ => match String::from_utf8(bytes) {
            Ok(text) => return (text, None),
            Err(error) => {
                let (text, _, _) = WINDOWS_1252.decode(error.as_bytes());
                return (text.into_owned(), Some(said(WINDOWS_1252)));
            }
        },
    };
    (encoding.decode(&bytes).0.into_owned(), Some(said(encoding)))
}

fn said(encoding: &'static Encoding) -> String {
    format!("read as {}, because it is not UTF-8", encoding.name())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn encodings() {
        let read = |bytes: &[u8]| {
            let (text, note) = decode(bytes.to_vec());
            (text, note.unwrap_or_default())
        };
        let plain = |text: &str| (text.to_owned(), String::new());
        assert_eq!(read("θ,action\n".as_bytes()), plain("θ,action\n"));
        assert_eq!(read("\u{feff}x,action\n".as_bytes()), plain("x,action\n"));
        assert_eq!(read(b""), plain(""));
        let note = |name: &str| format!("read as {name}, because it is not UTF-8");
        assert_eq!(read(b"H\xf6he,n\n"), ("Höhe,n\n".to_owned(), note("windows-1252")));
        let little: Vec<u8> = "x,ω\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read(&little), ("x,ω\n".to_owned(), note("UTF-16LE")));
        let marked: Vec<u8> = "\u{feff}x,ω\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(read(&marked), ("x,ω\n".to_owned(), note("UTF-16BE")));
    }
}
