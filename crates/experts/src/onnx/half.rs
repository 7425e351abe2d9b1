//! Networks in half precision: the runtime computes in singles only, which hold every half.

use super::lengths::{Message, varint};

/// `TensorProto.DataType`.
const FLOAT: u64 = 1;
const FLOAT16: u64 = 10;

/// The model with singles for halves: weights, the types of values, and what is cast to. `model` has passed [`super::lengths::check`].
pub(super) fn widened(model: &[u8]) -> Result<Vec<u8>, String> {
    message(Message::Model, model)
}

fn message(kind: Message, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let fields = fields(bytes)?;
    let is_half_tensor =
        matches!(kind, Message::Tensor) && fields.iter().any(|field| field.number == 2 && field.value == FLOAT16);
    let is_cast =
        matches!(kind, Message::Attribute) && fields.iter().any(|field| field.number == 1 && field.content == b"to");
    let mut out = Vec::with_capacity(bytes.len());
    let mut halves = Vec::new();
    for field in &fields {
        let is_type = match kind {
            Message::Tensor => field.number == 2,
            Message::TensorType => field.number == 1,
            Message::Attribute => is_cast && field.number == 3,
            _ => false,
        };
        match field.wire {
            0 if is_type && field.value == FLOAT16 => put(&mut out, field.number << 3, FLOAT),
            2 if is_half_tensor && field.number == 9 => {
                halves.extend(field.content.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])));
            }
            // `int32_data`: a number for each half, packed or one by one.
            2 if is_half_tensor && field.number == 5 => {
                let mut rest = field.content;
                while !rest.is_empty() {
                    halves.push(varint(&mut rest)? as u16);
                }
            }
            0 if is_half_tensor && field.number == 5 => halves.push(field.value as u16),
            2 => match kind.part(field.number) {
                Some(part) => {
                    let content = message(part, field.content)?;
                    put(&mut out, field.number << 3 | 2, content.len() as u64);
                    out.extend(content);
                }
                None => out.extend(field.whole),
            },
            _ => out.extend(field.whole),
        }
    }
    if !halves.is_empty() {
        put(&mut out, 9 << 3 | 2, 4 * halves.len() as u64);
        out.extend(halves.into_iter().flat_map(|half| single(half).to_le_bytes()));
    }
    Ok(out)
}

/// A field of a message: its number, its wire type, its value where that is a number, its content where it has a length, and all of it.
struct Field<'a> {
    number: u64,
    wire: u64,
    value: u64,
    content: &'a [u8],
    whole: &'a [u8],
}

fn fields(mut bytes: &[u8]) -> Result<Vec<Field<'_>>, String> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let start = bytes;
        let tag = varint(&mut bytes)?;
        let mut value = 0;
        let length = match tag & 7 {
            0 => {
                value = varint(&mut bytes)?;
                0
            }
            1 => 8,
            5 => 4,
            _ => varint(&mut bytes)? as usize,
        };
        let (content, rest) = bytes.split_at_checked(length).ok_or("is damaged: a field is longer than its message")?;
        let whole = &start[..start.len() - rest.len()];
        fields.push(Field { number: tag >> 3, wire: tag & 7, value, content, whole });
        bytes = rest;
    }
    Ok(fields)
}

/// A tag, and a number after it.
fn put(out: &mut Vec<u8>, tag: u64, value: u64) {
    for mut number in [tag, value] {
        while number >= 0x80 {
            out.push(number as u8 | 0x80);
            number >>= 7;
        }
        out.push(number as u8);
    }
}

/// The number that a half is.
fn single(half: u16) -> f32 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1f), f32::from(half & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        0x1f if fraction == 0.0 => f32::INFINITY,
        0x1f => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::single;

    #[test]
    fn halves_are_the_numbers_that_the_standard_says() {
        let known =
            [(0x3c00, 1.0), (0xc000, -2.0), (0x7bff, 65504.0), (0x0001, 5.960_464_5e-8), (0x0400, 6.103_515_6e-5)];
        assert!(
            known.iter().all(|(half, number)| single(*half) == *number),
            "{:?}",
            known.map(|(half, _)| single(half))
        );
        assert!(single(0x7c00) == f32::INFINITY && single(0xfc00) == f32::NEG_INFINITY && single(0x7e00).is_nan());
        assert!(single(0x8000) == 0.0 && single(0x8000).is_sign_negative());
    }
}
