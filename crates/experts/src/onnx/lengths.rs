//! Whether a file's lengths hold, before anybody believes them: rten's reader of protocol buffers adds a claimed length to its
//! position without looking, so that one of almost 2⁶⁴ bytes sends it back to where it was, again and again, and it follows
//! graphs inside graphs for as long as the stack lasts.

/// Messages inside each other at most: a model, its graph, a node, an attribute and a tensor are five.
const MAX_DEPTH: usize = 32;

/// The messages of `onnx.proto` that have messages in them.
#[derive(Clone, Copy)]
pub(super) enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    Shape,
    /// Any other.
    Leaf,
}

impl Message {
    /// What field `number` is, where it is a message.
    pub fn part(self, number: u64) -> Option<Self> {
        Some(match (self, number) {
            (Self::Model, 7) | (Self::Attribute, 6) => Self::Graph,
            (Self::Model, 8 | 14) | (Self::Tensor, 13) | (Self::Shape, 1) => Self::Leaf,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
            (Self::ValueInfo, 2) | (Self::SequenceType, 1) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::Type, 4) => Self::SequenceType,
            (Self::TensorType, 2) => Self::Shape,
            _ => return None,
        })
    }
}

/// Checks that every field of a model ends inside of the message that it is in.
pub(super) fn check(model: &[u8]) -> Result<(), String> {
    message(Message::Model, model, 1)
}

fn message(kind: Message, mut bytes: &[u8], depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("has messages inside each other, more than {MAX_DEPTH}"));
    }
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let length = match tag & 7 {
            0 => {
                varint(&mut bytes)?;
                0
            }
            1 => 8,
            2 => varint(&mut bytes)?,
            5 => 4,
            other => return Err(format!("is not an ONNX network: a field has the unknown wire type {other}")),
        };
        let whole = usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
        let Some((field, rest)) = whole else {
            return Err(format!("is damaged: a field claims {length} bytes where {} are left", bytes.len()));
        };
        if tag & 7 == 2
            && let Some(part) = kind.part(tag >> 3)
        {
            message(part, field, depth + 1)?;
        }
        bytes = rest;
    }
    Ok(())
}

/// Takes a number of up to ten bytes, seven bits in each, the lowest first.
pub(super) fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            *bytes = &bytes[index + 1..];
            return Ok(value);
        }
    }
    Err("is damaged: a number does not end".to_owned())
}
