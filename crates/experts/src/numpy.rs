//! NumPy arrays, scalars and dtypes as pickles describe them.

use crate::pickle::Value;

/// Most elements of an array.
const MAX_ELEMENTS: usize = 1 << 27;

/// A flat array, widened to f64.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// An array or a scalar (shape `[]`) from a pickle, made by NumPy 1 (`numpy.core`) or 2 (`numpy._core`).
pub(crate) fn array(value: Value<'_>) -> Result<Array, String> {
    if let Some(number) = value.as_float() {
        return Ok(Array { shape: Vec::new(), values: vec![number] });
    }
    let unexpected = || format!("it is {}; expected a NumPy array", value.describe());
    let (module, name) = value.callee().ok_or_else(unexpected)?;
    let arguments = value.arguments().unwrap_or_default();
    let (dtype, shape, data) = match (core_module(module), name) {
        (Some("multiarray"), "_reconstruct") => {
            // The state: (version, shape, dtype, is_fortran, data).
            let state = value.state().and_then(Value::as_sequence).unwrap_or_default();
            let [_version, shape, dtype, fortran, data] = state[..] else {
                return Err("the NumPy array has no complete state".to_owned());
            };
            if fortran.as_bool() == Some(true) && shape.as_sequence().is_some_and(|shape| shape.len() > 1) {
                return Err("the NumPy array is stored column by column; expected row by row".to_owned());
            }
            (dtype, self::shape(shape)?, data)
        }
        (Some("multiarray"), "scalar") => {
            let [dtype, data] = arguments[..] else { return Err("the NumPy scalar is incomplete".to_owned()) };
            (dtype, Vec::new(), data)
        }
        (Some("numeric"), "_frombuffer") => {
            let [data, dtype, shape, _order] = arguments[..] else {
                return Err("the NumPy array is incomplete".to_owned());
            };
            (dtype, self::shape(shape)?, data)
        }
        _ => return Err(unexpected()),
    };
    let data = bytes(data).ok_or_else(|| format!("the NumPy array's data is {}", data.describe()))?;
    decode(&dtype_name(dtype)?, shape, &data)
}

/// `multiarray` of `numpy.core.multiarray` and of `numpy._core.multiarray`.
fn core_module(module: &str) -> Option<&str> {
    module.strip_prefix("numpy.core.").or_else(|| module.strip_prefix("numpy._core."))
}

/// `<f4` and the like.
fn dtype_name(value: Value<'_>) -> Result<String, String> {
    let unexpected = || format!("the dtype is {}; expected a plain number type", value.describe());
    if value.callee() != Some(("numpy", "dtype")) {
        return Err(unexpected());
    }
    let code = value.arguments().and_then(|arguments| arguments.first()?.as_text()).ok_or_else(unexpected)?;
    // The state: (version, byte order, …).
    let order = value.state().and_then(|state| state.as_sequence()?.get(1)?.as_text()).unwrap_or("<");
    Ok(format!("{order}{code}"))
}

fn shape(value: Value<'_>) -> Result<Vec<usize>, String> {
    let number = |item: &Value<'_>| item.as_int().and_then(|number| usize::try_from(number).ok());
    value
        .as_sequence()
        .and_then(|items| items.iter().map(number).collect())
        .ok_or_else(|| format!("the shape is {}; expected a tuple of lengths", value.describe()))
}

/// Bytes, or what protocol 2 makes of them: `_codecs.encode(text, 'latin1')`.
fn bytes(value: Value<'_>) -> Option<Vec<u8>> {
    if value.callee() == Some(("_codecs", "encode")) {
        let text = value.arguments()?.first()?.as_text()?;
        return text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    }
    if value.callee() == Some(("builtins", "bytearray")) {
        return bytes(*value.arguments()?.first()?);
    }
    value.as_bytes().map(<[u8]>::to_vec)
}

/// Elements of type `dtype` (`<f4`, `|b1`, `>i8`, …), row-major, widened to f64.
pub(crate) fn decode(dtype: &str, shape: Vec<usize>, data: &[u8]) -> Result<Array, String> {
    fn each<const N: usize>(data: &[u8], swap: bool, read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        data.chunks_exact(N)
            .map(|chunk| {
                let mut element: [u8; N] = chunk.try_into().expect("a chunk of N bytes");
                if swap {
                    element.reverse();
                }
                read(element)
            })
            .collect()
    }
    let (order, code) = dtype.split_at_checked(1).unwrap_or(("", dtype));
    let swap = order == ">";
    let size: usize = code.get(1..).and_then(|size| size.parse().ok()).unwrap_or(0);
    let count = shape.iter().try_fold(1_usize, |count, length| count.checked_mul(*length));
    if count.is_none_or(|count| count > MAX_ELEMENTS || count.checked_mul(size) != Some(data.len())) {
        return Err(format!("a NumPy array of {code} with shape {shape:?} does not fit its {} bytes", data.len()));
    }
    let values = match code {
        "f2" => each(data, swap, |bytes| half(u16::from_le_bytes(bytes))),
        "f4" => each(data, swap, |bytes| f32::from_le_bytes(bytes).into()),
        "f8" => each(data, swap, f64::from_le_bytes),
        "i1" => each(data, swap, |bytes| i8::from_le_bytes(bytes).into()),
        "i2" => each(data, swap, |bytes| i16::from_le_bytes(bytes).into()),
        "i4" => each(data, swap, |bytes| i32::from_le_bytes(bytes).into()),
        "i8" => each(data, swap, |bytes| i64::from_le_bytes(bytes) as f64),
        "u1" | "b1" => each(data, swap, |[byte]| byte.into()),
        "u2" => each(data, swap, |bytes| u16::from_le_bytes(bytes).into()),
        "u4" => each(data, swap, |bytes| u32::from_le_bytes(bytes).into()),
        "u8" => each(data, swap, |bytes| u64::from_le_bytes(bytes) as f64),
        _ => return Err(format!("the NumPy dtype `{dtype}` is not supported; expected float32 or float64")),
    };
    Ok(Array { shape, values })
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023) / 1024.0);
    let magnitude = match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::{Array, array};
    use crate::pickle::Pickle;
    use proptest::prelude::*;

    /// What protocol 2 writes for a text.
    fn text(value: &str) -> Vec<u8> {
        [&b"X"[..], &(value.len() as u32).to_le_bytes(), value.as_bytes()].concat()
    }

    /// A `numpy.ndarray` as `pickle.dumps` writes it with protocol 3: `code` and `order` are those of its dtype.
    fn pickled(core: &str, code: &str, order: &str, shape: &[usize], data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x80\x03".to_vec();
        bytes.extend(format!("c{core}.multiarray\n_reconstruct\ncnumpy\nndarray\n").bytes());
        bytes.extend(b"K\x00\x85C\x01b\x87R(K\x01(");
        shape.iter().for_each(|length| bytes.extend([&b"J"[..], &(*length as u32).to_le_bytes()].concat()));
        bytes.extend(b"tcnumpy\ndtype\n");
        bytes.extend(text(code));
        bytes.extend(b"\x89\x88\x87R(K\x03");
        bytes.extend(text(order));
        bytes.extend(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89B");
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        bytes.extend(b"tb.");
        bytes
    }

    proptest! {
        #[test]
        fn pickled_arrays(
            values in prop::collection::vec(any::<i16>(), 36),
            shape in prop::collection::vec(0_usize..4, 0..4),
            code in prop::sample::select(&["f4", "f8", "i2", "i4", "i8"][..]),
            big_endian in any::<bool>(),
            old in any::<bool>(),
        ) {
            let values = &values[..shape.iter().product::<usize>()];
            let element = |value: &i16| {
                let mut bytes = match code {
                    "f4" => f32::from(*value).to_le_bytes().to_vec(),
                    "f8" => f64::from(*value).to_le_bytes().to_vec(),
                    "i2" => value.to_le_bytes().to_vec(),
                    "i4" => i32::from(*value).to_le_bytes().to_vec(),
                    _ => i64::from(*value).to_le_bytes().to_vec(),
                };
                if big_endian {
                    bytes.reverse();
                }
                bytes
            };
            let data: Vec<u8> = values.iter().flat_map(element).collect();
            let core = if old { "numpy.core" } else { "numpy._core" };
            let bytes = pickled(core, code, if big_endian { ">" } else { "<" }, &shape, &data);
            let pickle = Pickle::read(&bytes).expect("a pickle");
            let expected = Array { shape: shape.clone(), values: values.iter().map(|value| f64::from(*value)).collect() };
            prop_assert_eq!(array(pickle.root()).expect("an array"), expected);
            if !data.is_empty() {
                let short = pickled(core, code, "<", &shape, &data[1..]);
                let pickle = Pickle::read(&short).expect("a pickle");
                prop_assert!(array(pickle.root()).expect_err("a refusal").contains("does not fit its"));
            }
        }
    }
}
