//! NumPy's `.npy` format, versions 1 to 3.

use crate::numpy::{Array, decode};

/// Longest header, in bytes.
const MAX_HEADER: usize = 1 << 16;

/// An array, row-major; the error is a sentence without a subject.
pub(super) fn read(bytes: &[u8]) -> Result<(Array, bool), String> {
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
    let mut array = decode(descr, shape, data)?;
    if fortran {
        transpose(&mut array)?;
    }
    let integer = matches!(descr.as_bytes().get(1), Some(b'i' | b'u' | b'b'));
    Ok((array, integer))
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
        let (array, integer) = read(&npy("<f4", "False", "(2, 3)", &data)).expect("an array");
        assert_eq!((array.shape, array.values, integer), (vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], false));
        let (array, _) = read(&npy("<f4", "True", "(2, 3)", &data)).expect("an array");
        assert_eq!(array.values, [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
        let (array, integer) = read(&npy(">i2", "False", "(2,)", &[0, 1, 255, 255])).expect("an array");
        assert_eq!((array.values, integer), (vec![1.0, -1.0], true));
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
        assert!(read(&npy("|O", "False", "(1,)", &[0; 8])).is_err());
    }
}
