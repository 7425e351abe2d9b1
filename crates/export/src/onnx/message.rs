//! The few messages of `onnx.proto` that a policy is written in.
//!
//! Written by hand: the crate that the reader uses drops the graph's name, which `onnx.checker` asks for, and a generator for protocol
//! buffers would be larger than what it generates.

/// Element types of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Float = 1,
    Int64 = 7,
    Double = 11,
}

/// A message in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    pub fn int(mut self, field: u64, value: i64) -> Self {
        self.tag(field, 0);
        self.varint(value as u64);
        self
    }

    pub fn bytes(mut self, field: u64, value: &[u8]) -> Self {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub fn text(self, field: u64, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub fn message(self, field: u64, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    pub fn messages<'a>(self, field: u64, values: impl IntoIterator<Item = &'a Self>) -> Self {
        values.into_iter().fold(self, |message, value| message.message(field, value))
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// `TensorProto`, its numbers as raw bytes.
pub(super) fn tensor(name: &str, shape: &[usize], element: Element, values: &[f64]) -> Message {
    let raw: Vec<u8> = match element {
        Element::Float => values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect(),
        Element::Double => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Element::Int64 => values.iter().flat_map(|value| (*value as i64).to_le_bytes()).collect(),
    };
    let message = shape.iter().fold(Message::default(), |message, length| message.int(1, *length as i64));
    message.int(2, element as i64).text(8, name).bytes(9, &raw)
}

/// An axis of a value: as many as there are rows, or a fixed length.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    Batch,
    Fixed(usize),
}

/// `ValueInfoProto` of a tensor.
pub(super) fn value(name: &str, element: Element, axes: &[Axis]) -> Message {
    let axis = |axis: &Axis| match axis {
        Axis::Batch => Message::default().text(2, "batch"),
        Axis::Fixed(length) => Message::default().int(1, *length as i64),
    };
    let axes: Vec<Message> = axes.iter().map(axis).collect();
    let shape = Message::default().messages(1, &axes);
    let tensor = Message::default().int(1, element as i64).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

/// `NodeProto`; attributes are whole numbers.
pub(super) fn node(operator: &str, inputs: &[String], output: &str, attributes: &[(&str, i64)]) -> Message {
    const INT: i64 = 2;
    let attributes: Vec<Message> =
        attributes.iter().map(|(name, value)| Message::default().text(1, name).int(3, *value).int(20, INT)).collect();
    let message = inputs.iter().fold(Message::default(), |message, input| message.text(1, input));
    message.text(2, output).text(3, output).text(4, operator).messages(5, &attributes)
}

/// `ModelProto` with one graph, and what is known of it as metadata.
pub(super) fn model(graph: &Message, metadata: &[(&str, &str)], about: &str) -> Vec<u8> {
    const IR_VERSION: i64 = 8;
    const OPERATOR_SET: i64 = 17;
    let entry = |(key, value): &(&str, &str)| Message::default().text(1, key).text(2, value);
    let metadata: Vec<Message> = metadata.iter().map(entry).collect();
    Message::default()
        .int(1, IR_VERSION)
        .text(2, "kanrl")
        .text(3, env!("CARGO_PKG_VERSION"))
        .text(6, about)
        .message(7, graph)
        .message(8, &Message::default().text(1, "").int(2, OPERATOR_SET))
        .messages(14, &metadata)
        .into_bytes()
}
