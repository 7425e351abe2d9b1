//! Python pickles as data: opcodes are read, classes and calls are recorded by name, nothing is ever called.
//!
//! [`Pickle::read`] gives an object graph. A `REDUCE` of `os.system` is a [`Value`] that says so and does nothing;
//! the readers on top accept only the few names that they understand.

mod machine;
mod opcodes;

pub use machine::{MAX_BYTES, MAX_DEPTH, MAX_OBJECTS};

/// Index of an object in its pickle.
type Id = u32;

/// One object of a pickle; children are indices, so that sharing, cycles and dropping need no recursion.
#[derive(Clone, Debug, PartialEq)]
enum Object<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 64 bits: little endian, two's complement.
    Long(&'a [u8]),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Set(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global {
        module: &'a str,
        name: &'a str,
    },
    /// What Python would call or construct.
    Call(Box<Call>),
    /// What the surrounding file format resolves, such as one of torch's storages.
    Persistent(Id),
}

#[derive(Clone, Debug, PartialEq)]
struct Call {
    function: Id,
    arguments: Id,
    state: Option<Id>,
    items: Vec<Id>,
    entries: Vec<(Id, Id)>,
}

/// A pickle that was read; borrows its texts and bytes from the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Pickle<'a> {
    objects: Vec<Object<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Reads one pickle that fills `bytes`.
    ///
    /// # Errors
    /// [`PickleError`] for anything but a complete pickle within the limits.
    pub fn read(bytes: &'a [u8]) -> Result<Self, PickleError> {
        let (pickle, length) = Self::read_prefix(bytes)?;
        if length < bytes.len() {
            return Err(PickleError::TrailingBytes { position: length, bytes: bytes.len() - length });
        }
        Ok(pickle)
    }

    /// Reads the pickle at the start of `bytes`; also gives its length.
    ///
    /// # Errors
    /// [`PickleError`].
    pub fn read_prefix(bytes: &'a [u8]) -> Result<(Self, usize), PickleError> {
        machine::Machine::new(bytes).run()
    }

    /// The object that the pickle stands for.
    pub fn root(&self) -> Value<'_> {
        Value { objects: &self.objects, id: self.root }
    }

    /// Module and name of every class or function that the pickle mentions, in order, with repeats.
    pub fn globals(&self) -> impl Iterator<Item = (&str, &str)> {
        self.objects.iter().filter_map(|object| match object {
            Object::Global { module, name } => Some((*module, *name)),
            _ => None,
        })
    }
}

/// An object of a pickle.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    objects: &'a [Object<'a>],
    id: Id,
}

impl<'a> Value<'a> {
    fn object(self) -> &'a Object<'a> {
        &self.objects[self.id as usize]
    }

    fn at(self, id: Id) -> Self {
        Self { id, ..self }
    }

    /// Whether it is Python's `None`.
    pub fn is_none(self) -> bool {
        matches!(self.object(), Object::None)
    }

    /// A `bool`.
    pub fn as_bool(self) -> Option<bool> {
        match self.object() {
            Object::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// An `int` of at most 64 bits.
    pub fn as_int(self) -> Option<i64> {
        match self.object() {
            Object::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The bytes (little endian, two's complement) of an `int` of more than 64 bits.
    pub fn as_long(self) -> Option<&'a [u8]> {
        match self.object() {
            Object::Long(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A `float` or an `int`.
    pub fn as_float(self) -> Option<f64> {
        match self.object() {
            Object::Float(value) => Some(*value),
            Object::Int(value) => Some(*value as f64),
            _ => None,
        }
    }

    /// A `str`.
    pub fn as_text(self) -> Option<&'a str> {
        match self.object() {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// `bytes` or a `bytearray`.
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        match self.object() {
            Object::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items of a `tuple` or `list`.
    pub fn as_sequence(self) -> Option<Vec<Value<'a>>> {
        match self.object() {
            Object::Tuple(items) | Object::List(items) => Some(items.iter().map(|id| self.at(*id)).collect()),
            _ => None,
        }
    }

    /// The entries of a `dict`, or those that were set on a call's result (an `OrderedDict`), in order.
    pub fn entries(self) -> Option<impl Iterator<Item = (Value<'a>, Value<'a>)>> {
        let entries = match self.object() {
            Object::Dict(entries) => entries,
            Object::Call(call) => &call.entries,
            _ => return None,
        };
        Some(entries.iter().map(move |(key, value)| (self.at(*key), self.at(*value))))
    }

    /// The last value under the text `key` among [`Self::entries`].
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.entries()?.filter(|(found, _)| found.as_text() == Some(key)).map(|(_, value)| value).last()
    }

    /// Module and name of a class or function.
    pub fn as_global(self) -> Option<(&'a str, &'a str)> {
        match self.object() {
            Object::Global { module, name } => Some((module, name)),
            _ => None,
        }
    }

    /// Module and name of what would be called to make this object, where it is a recorded call of something named.
    pub fn callee(self) -> Option<(&'a str, &'a str)> {
        match self.object() {
            Object::Call(call) => self.at(call.function).as_global(),
            _ => None,
        }
    }

    /// The arguments of a recorded call; `None` for other objects.
    pub fn arguments(self) -> Option<Vec<Value<'a>>> {
        match self.object() {
            Object::Call(call) => self.at(call.arguments).as_sequence(),
            _ => None,
        }
    }

    /// The state given to a recorded object (`__setstate__`, or its attributes).
    pub fn state(self) -> Option<Value<'a>> {
        match self.object() {
            Object::Call(call) => call.state.map(|state| self.at(state)),
            _ => None,
        }
    }

    /// The attribute `name` in a recorded object's state.
    pub fn attribute(self, name: &str) -> Option<Value<'a>> {
        self.state()?.get(name)
    }

    /// The id that the surrounding file format resolves.
    pub fn as_persistent(self) -> Option<Value<'a>> {
        match self.object() {
            Object::Persistent(id) => Some(self.at(*id)),
            _ => None,
        }
    }

    /// What it is, in a few words, for error messages.
    pub fn describe(self) -> String {
        match self.object() {
            Object::None => "None".to_owned(),
            Object::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Object::Int(value) => format!("the integer {value}"),
            Object::Long(_) => "a huge integer".to_owned(),
            Object::Float(value) => format!("the number {value}"),
            Object::Text(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
            Object::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Object::Tuple(_) => "a tuple".to_owned(),
            Object::List(_) => "a list".to_owned(),
            Object::Set(_) => "a set".to_owned(),
            Object::Dict(_) => "a dict".to_owned(),
            Object::Global { module, name } => format!("`{module}.{name}`"),
            Object::Call(_) => match self.callee() {
                Some((module, name)) => format!("a call of `{module}.{name}`"),
                None => "a call of something without a name".to_owned(),
            },
            Object::Persistent(_) => "a reference into the surrounding file".to_owned(),
        }
    }
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.describe())
    }
}

/// Why a pickle is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PickleError {
    /// No opcode of protocols 0 to 5 has this byte.
    #[error("unknown pickle opcode 0x{opcode:02x} at byte {position}; expected one of pickle protocols 0 to 5")]
    UnknownOpcode {
        /// The byte.
        opcode: u8,
        /// Where it is.
        position: usize,
    },
    /// An opcode that no archive needs and that would reach outside the pickle.
    #[error("pickle opcode {name} at byte {position} is refused: it refers to data outside the file")]
    RefusedOpcode {
        /// Python's name for it.
        name: &'static str,
        /// Where it is.
        position: usize,
    },
    /// The file ends too early.
    #[error("the pickle is truncated: {name} at byte {position} needs more than the {length} bytes available")]
    Truncated {
        /// The opcode that wanted more, or `STOP` where none is there.
        name: &'static str,
        /// Where it is.
        position: usize,
        /// Bytes in all.
        length: usize,
    },
    /// An opcode got operands that it cannot work on.
    #[error("pickle opcode {name} at byte {position}: {reason}")]
    BadOperand {
        /// Python's name for the opcode.
        name: &'static str,
        /// Where it is.
        position: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// More than any honest archive needs.
    #[error("the pickle has more than {limit} {what} (at byte {position})")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
        /// Where the limit was hit.
        position: usize,
    },
    /// Something follows the pickle.
    #[error("{bytes} extra bytes after the pickle's end at byte {position}")]
    TrailingBytes {
        /// Where the pickle ends.
        position: usize,
        /// How many there are.
        bytes: usize,
    },
}
