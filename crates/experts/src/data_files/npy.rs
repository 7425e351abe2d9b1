//! NumPy's `.npy` format, versions 1 to 3.

use super::arrays::Kind;
use crate::numpy::{Array, decode};
use std::collections::HashMap;

/// Longest header, in bytes.
const MAX_HEADER: usize = 1 << 16;

/// An array, row-major; the error is a sentence without a subject. Of Python objects, dates and the like nothing is read.
pub(super) fn read(bytes: &[u8]) -> Result<(Array, Kind), String> {
    let not_npy = || "is not a NumPy array (.npy)".to_owned();
    let cut_off = || "is cut off: the header is incomplete".to_owned();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or_else(not_npy)?;
    let (version, rest) = rest.split_at_checked(2).ok_or_else(cut_off)?;
    let width = match version[0] {
        1 => 2,
        2 | 3 => 4,
        version => return Err(format!("has the .npy version {version}; expected 1 to 3")),
    };
    let (length, rest) = rest.split_at_checked(width).ok_or_else(cut_off)?;
    let length = length.iter().rev().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    if length > MAX_HEADER {
        return Err(format!("has a header of {length} bytes; at most {MAX_HEADER} are accepted"));
    }
    let (header, data) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    let header = std::str::from_utf8(header).map_err(|_| "has a header that is not text".to_owned())?;
    let (descr, fortran, shape) = parse(header)
        .ok_or_else(|| format!("has the header {header:?}; expected the shape and a plain number type"))?;
    let code = descr.as_bytes().get(1).copied();
    if let Some(b'O' | b'M' | b'm' | b'c' | b'V') = code {
        let what = match code {
            Some(b'O') => "Python objects; save it with a number type, as in `array.astype(numpy.float64)`",
            Some(b'M' | b'm') => "dates or durations",
            Some(b'c') => "complex numbers",
            _ => "records",
        };
        return Ok((Array { shape, values: Vec::new() }, Kind::Unreadable { reason: format!("holds {what}") }));
    }
    let (mut array, kind) = match code {
        Some(b'U' | b'S') => texts(descr, shape, data)?,
        Some(b'i' | b'u') => (decode(descr, shape, data)?, Kind::Integers),
        Some(b'b') => (decode(descr, shape, data)?, Kind::Flags),
        _ => (decode(descr, shape, data)?, Kind::Floats),
    };
    if fortran {
        transpose(&mut array)?;
    }
    Ok((array, kind))
}

/// Texts of a fixed length, padded with zeros: `<U5` of five characters, `|S5` of five bytes.
fn texts(descr: &str, shape: Vec<usize>, data: &[u8]) -> Result<(Array, Kind), String> {
    let wide = descr.as_bytes().get(1) == Some(&b'U');
    let size = descr
        .get(2..)
        .and_then(|size| size.parse::<usize>().ok())
        .and_then(|size| size.checked_mul(if wide { 4 } else { 1 }));
    let count = shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
    let size = match (size, count) {
        (Some(size), Some(count)) if size > 0 && count.checked_mul(size) == Some(data.len()) => size,
        _ => {
            return Err(format!("a NumPy array of {descr} with shape {shape:?} does not fit its {} bytes", data.len()));
        }
    };
    let character = |bytes: &[u8]| {
        let bytes: [u8; 4] = bytes.try_into().unwrap_or_default();
        let number = if descr.starts_with('>') { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    let text = |element: &[u8]| {
        let text: String = if wide {
            element.chunks_exact(4).map(character).collect()
        } else {
            String::from_utf8_lossy(element).into_owned()
        };
        text.trim_end_matches('\0').to_owned()
    };
    let (mut codes, mut names, mut values) = (HashMap::new(), Vec::new(), Vec::new());
    for element in data.chunks_exact(size) {
        let code = *codes.entry(element).or_insert_with(|| {
            names.push(text(element));
            names.len() - 1
        });
        values.push(code as f64);
    }
    let has_numbers = names.iter().any(|name| name.parse::<f64>().is_ok());
    let example = names.first().map_or_else(|| "texts".to_owned(), |name| format!("{name:?}"));
    Ok((Array { shape, values }, Kind::Labels { names, has_numbers, example }))
}

/// A file of version 1; `descr` is NumPy's name of the elements (`<f4`), `data` is row-major.
pub(super) fn write(descr: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|length| format!("{length},")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // The data begins at a multiple of 64 bytes.
    let padding = (64 - (10 + header.len() + 1) % 64) % 64;
    header.extend(std::iter::repeat_n(' ', padding));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (256, 4), }`.
fn parse(header: &str) -> Option<(&str, bool, Vec<usize>)> {
    let value = |key: &str| {
        let start = header.find(&format!("'{key}':"))? + key.len() + 3;
        Some(header[start..].trim_start())
    };
    let descr = value("descr")?.strip_prefix('\'')?;
    let descr = &descr[..descr.find('\'')?];
    let fortran = value("fortran_order")?.starts_with("True");
    let shape = value("shape")?.strip_prefix('(')?;
    let numbers = shape[..shape.find(')')?].split(',').map(str::trim).filter(|number| !number.is_empty());
    let shape = numbers.map(|number| number.parse().ok()).collect::<Option<Vec<usize>>>()?;
    Some((descr, fortran, shape))
}

/// From column by column to row by row.
fn transpose(array: &mut Array) -> Result<(), String> {
    match array.shape[..] {
        [] | [_] => Ok(()),
        [rows, columns] => {
            let index = |flat: usize| flat % columns * rows + flat / columns;
            array.values = (0..rows * columns).map(|flat| array.values[index(flat)]).collect();
            Ok(())
        }
        _ => Err(format!("is stored column by column with the shape {:?}; expected row by row", array.shape)),
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::data_files::arrays::Kind;

    fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn reads_both_orders_of_bytes_and_of_axes() {
        let data: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let (array, kind) = read(&npy("<f4", "False", "(2, 3)", &data)).expect("an array");
        assert_eq!((array.shape, array.values, kind), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Kind::Floats));
        let (array, _) = read(&npy("<f4", "True", "(2, 3)", &data)).expect("an array");
        assert_eq!(array.values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let (array, kind) = read(&npy(">i2", "False", "(2,)", &[0, 1, 255, 255])).expect("an array");
        assert_eq!((array.values, kind), (vec![1.0, -1.0], Kind::Integers));
        // 1, -2 and the smallest subnormal number.
        let (array, _) = read(&npy("<f2", "False", "(3,)", &[0, 0x3c, 0, 0xc0, 1, 0])).expect("an array");
        assert_eq!(array.values, [1.0, -2.0, 2.0_f64.powi(-24)]);
    }

    #[test]
    fn reads_texts_and_leaves_objects_alone() {
        let (array, kind) = read(&npy("|S2", "False", "(3,)", b"upupdo")).expect("an array");
        let Kind::Labels { names, .. } = kind else { panic!("texts") };
        assert_eq!((array.values, names), (vec![0.0, 0.0, 1.0], vec!["up".to_owned(), "do".to_owned()]));
        let data: Vec<u8> = [0x3b8_u32, 0, 0x3b8, 0x307].iter().flat_map(|character| character.to_le_bytes()).collect();
        let (_, kind) = read(&npy("<U2", "False", "(2,)", &data)).expect("an array");
        let Kind::Labels { names, .. } = kind else { panic!("texts") };
        assert_eq!(names, ["θ", "θ̇"]);
        assert!(read(&npy("<U2", "False", "(3,)", &data)).is_err());
        let (_, kind) = read(&npy("|O", "False", "(1,)", b"a pickle")).expect("an array");
        assert!(matches!(kind, Kind::Unreadable { reason } if reason.starts_with("holds Python objects")));
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(read(b"\x93NUMPX").is_err());
        for length in 0..20 {
            assert!(read(&npy("<f8", "False", "(1,)", &[0; 8])[..length]).is_err());
        }
        assert_eq!(
            read(&npy("<f8", "False", "(2,)", &[0; 8])).unwrap_err(),
            "a NumPy array of f8 with shape [2] does not fit its 8 bytes"
        );
        assert!(read(&npy("<f8", "False", "(99999999999, 99999999999)", &[0; 8])).is_err());
    }
}
