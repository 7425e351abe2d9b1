//! The stack machine that turns opcodes into recorded objects.

use super::opcodes::name;
use super::{Call, Id, Object, Pickle, PickleError};
use std::collections::HashMap;

/// Longest pickle, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// Most objects in a pickle.
pub const MAX_OBJECTS: usize = 1 << 20;
/// Deepest nesting of objects.
pub const MAX_DEPTH: usize = 256;

pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The opcode being worked on, for messages.
    name: &'static str,
    start: usize,
    objects: Vec<Object<'a>>,
    /// Nesting of each object.
    depths: Vec<u16>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    /// A map, since an index may be any 32-bit number.
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            name: "STOP",
            start: 0,
            objects: Vec::new(),
            depths: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
        }
    }

    pub(super) fn run(mut self) -> Result<(Pickle<'a>, usize), PickleError> {
        loop {
            self.start = self.position;
            if self.position >= MAX_BYTES {
                return Err(self.too_large("bytes", MAX_BYTES));
            }
            self.name = "STOP";
            let opcode = self.take(1)?[0];
            self.name = name(opcode).ok_or(PickleError::UnknownOpcode { opcode, position: self.start })?;
            if opcode == b'.' {
                let root = self.pop()?;
                return Ok((Pickle { objects: self.objects, root }, self.position));
            }
            self.step(opcode)?;
        }
    }

    fn step(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b'(' => {
                if self.marks.len() >= MAX_DEPTH {
                    return Err(self.too_large("levels of nesting", MAX_DEPTH));
                }
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop_or_mark(),
            b'1' => self.pop_mark().map(drop),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
                Ok(())
            }
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'J' | b'K' | b'M' | b'I' | b'L' | 0x8a | 0x8b | b'G' | b'F' => self.number(opcode),
            b'X' | 0x8c | 0x8d | b'V' | b'T' | b'U' | b'S' | b'B' | b'C' | 0x8e | 0x96 => self.text_or_bytes(opcode),
            b')' => self.push(Object::Tuple(Vec::new())),
            b']' => self.push(Object::List(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            0x8f => self.push(Object::Set(Vec::new())),
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Object::Tuple(items))
            }
            b't' => self.collect(Object::Tuple),
            b'l' => self.collect(Object::List),
            0x91 => self.collect(Object::Set),
            b'd' => {
                let items = self.pop_mark()?;
                let entries = self.pairs(items)?;
                self.push(Object::Dict(entries))
            }
            b'a' | b'e' | 0x90 => {
                let items = if opcode == b'a' { self.pop_many(1)? } else { self.pop_mark()? };
                self.extend(items)
            }
            b's' | b'u' => {
                let items = if opcode == b's' { self.pop_many(2)? } else { self.pop_mark()? };
                let entries = self.pairs(items)?;
                self.insert(entries)
            }
            b'c' | 0x93 | b'R' | 0x81 | 0x92 | b'b' | b'i' | b'o' => self.class_or_call(opcode),
            b'p' | b'q' | b'r' | 0x94 => self.memoize(opcode),
            b'g' | b'h' | b'j' => self.recall(opcode),
            b'Q' => {
                let id = self.pop()?;
                self.push(Object::Persistent(id))
            }
            b'P' => {
                let text = self.line()?;
                self.push(Object::Text(text))?;
                let id = self.pop()?;
                self.push(Object::Persistent(id))
            }
            0x80 => {
                if self.take(1)?[0] > 5 {
                    Err(self.bad("expected a protocol of at most 5"))
                } else {
                    Ok(())
                }
            }
            0x95 => {
                let length = self.length(8)?;
                if length > self.bytes.len() - self.position { Err(self.truncated()) } else { Ok(()) }
            }
            _ => Err(PickleError::RefusedOpcode { name: self.name, position: self.start }),
        }
    }

    fn number(&mut self, opcode: u8) -> Result<(), PickleError> {
        let object = match opcode {
            b'J' => Object::Int(i32::from_le_bytes(self.array()?).into()),
            b'K' => Object::Int(self.take(1)?[0].into()),
            b'M' => Object::Int(u16::from_le_bytes(self.array()?).into()),
            b'G' => Object::Float(f64::from_be_bytes(self.array()?)),
            b'F' => match self.line()?.parse() {
                Ok(value) => Object::Float(value),
                Err(_) => return Err(self.bad("expected a number")),
            },
            b'I' | b'L' => {
                let line = self.line()?;
                match (opcode, line, line.strip_suffix('L').unwrap_or(line).parse()) {
                    (b'I', "00", _) => Object::Bool(false),
                    (b'I', "01", _) => Object::Bool(true),
                    (_, _, Ok(value)) => Object::Int(value),
                    _ => return Err(self.bad("expected an integer of at most 64 bits")),
                }
            }
            _ => {
                let length = self.length(if opcode == 0x8a { 1 } else { 4 })?;
                let bytes = self.take(length)?;
                if bytes.len() > 8 {
                    Object::Long(bytes)
                } else {
                    let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
                    let mut value = [sign; 8];
                    value[..bytes.len()].copy_from_slice(bytes);
                    Object::Int(i64::from_le_bytes(value))
                }
            }
        };
        self.push(object)
    }

    fn text_or_bytes(&mut self, opcode: u8) -> Result<(), PickleError> {
        let object = match opcode {
            b'V' | b'S' => {
                let line = self.line()?;
                let text = if opcode == b'V' { Some(line) } else { unquoted(line) };
                match text.filter(|text| !text.contains('\\')) {
                    Some(text) => Object::Text(text),
                    None => return Err(self.bad("expected a text without escapes, in quotes for STRING")),
                }
            }
            _ => {
                let width = match opcode {
                    0x8c | b'U' | b'C' => 1,
                    0x8d | 0x8e | 0x96 => 8,
                    _ => 4,
                };
                let length = self.length(width)?;
                let bytes = self.take(length)?;
                match opcode {
                    b'X' | 0x8c | 0x8d => Object::Text(self.utf8(bytes)?),
                    // Python 2's `str`: text where it is ASCII, bytes otherwise.
                    b'T' | b'U' if bytes.is_ascii() => Object::Text(self.utf8(bytes)?),
                    _ => Object::Bytes(bytes),
                }
            }
        };
        self.push(object)
    }

    fn class_or_call(&mut self, opcode: u8) -> Result<(), PickleError> {
        match opcode {
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Object::Global { module, name })
            }
            0x93 => {
                let (name, module) = (self.pop_text()?, self.pop_text()?);
                self.push(Object::Global { module, name })
            }
            b'R' | 0x81 => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.call(function, arguments)
            }
            0x92 => {
                // Keyword arguments are not recorded: no reader asks for them.
                let (_keywords, arguments, function) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(function, arguments)
            }
            b'i' | b'o' => {
                let function = if opcode == b'i' {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Object::Global { module, name })?;
                    Some(self.pop()?)
                } else {
                    None
                };
                let mut items = self.pop_mark()?;
                let function = match function {
                    Some(function) => function,
                    None if items.is_empty() => return Err(self.bad("there is no class")),
                    None => items.remove(0),
                };
                self.push(Object::Tuple(items))?;
                let arguments = self.pop()?;
                self.call(function, arguments)
            }
            _ => {
                let (state, target) = (self.pop()?, self.top()?);
                self.deepen(target, &[state])?;
                let Object::Call(call) = &mut self.objects[target as usize] else {
                    return Err(self.bad("only an object can be given a state"));
                };
                call.state = Some(state);
                Ok(())
            }
        }
    }

    fn call(&mut self, function: Id, arguments: Id) -> Result<(), PickleError> {
        if !matches!(self.objects[arguments as usize], Object::Tuple(_)) {
            return Err(self.bad("the arguments are not a tuple"));
        }
        let (items, entries) = (Vec::new(), Vec::new());
        self.push(Object::Call(Box::new(Call { function, arguments, state: None, items, entries })))
    }

    fn extend(&mut self, items: Vec<Id>) -> Result<(), PickleError> {
        let target = self.top()?;
        self.deepen(target, &items)?;
        match &mut self.objects[target as usize] {
            Object::List(list) | Object::Set(list) => list.extend(items),
            Object::Call(call) => call.items.extend(items),
            _ => return Err(self.bad("only a list, a set or an object can be appended to")),
        }
        Ok(())
    }

    fn insert(&mut self, entries: Vec<(Id, Id)>) -> Result<(), PickleError> {
        let target = self.top()?;
        for (key, value) in &entries {
            self.deepen(target, &[*key, *value])?;
        }
        match &mut self.objects[target as usize] {
            Object::Dict(dict) => dict.extend(entries),
            Object::Call(call) => call.entries.extend(entries),
            _ => return Err(self.bad("only a dict or an object can be given items")),
        }
        Ok(())
    }

    fn memoize(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = match opcode {
            0x94 => self.memo.len() as u32,
            _ => self.memo_index(opcode)?,
        };
        let top = self.top()?;
        self.memo.insert(index, top);
        if self.memo.len() > MAX_OBJECTS { Err(self.too_large("memo entries", MAX_OBJECTS)) } else { Ok(()) }
    }

    fn recall(&mut self, opcode: u8) -> Result<(), PickleError> {
        let index = self.memo_index(opcode)?;
        let Some(id) = self.memo.get(&index) else {
            return Err(self.bad("nothing was memoized under this index"));
        };
        self.stack.push(*id);
        Ok(())
    }

    fn memo_index(&mut self, opcode: u8) -> Result<u32, PickleError> {
        match opcode {
            b'p' | b'g' => self.line()?.parse().map_err(|_| self.bad("expected a memo index")),
            b'q' | b'h' => Ok(self.take(1)?[0].into()),
            _ => Ok(u32::from_le_bytes(self.array()?)),
        }
    }

    fn push(&mut self, object: Object<'a>) -> Result<(), PickleError> {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(self.too_large("objects", MAX_OBJECTS));
        }
        let child = |id: &Id| self.depths[*id as usize] + 1;
        let depth = match &object {
            Object::Tuple(items) | Object::List(items) | Object::Set(items) => items.iter().map(child).max(),
            Object::Dict(entries) => entries.iter().map(|(key, value)| child(key).max(child(value))).max(),
            Object::Call(call) => Some(child(&call.function).max(child(&call.arguments))),
            Object::Persistent(id) => Some(child(id)),
            _ => None,
        };
        let depth = depth.unwrap_or(0);
        if usize::from(depth) > MAX_DEPTH {
            return Err(self.too_large("levels of nesting", MAX_DEPTH));
        }
        let id = self.objects.len() as Id;
        self.objects.push(object);
        self.depths.push(depth);
        self.stack.push(id);
        Ok(())
    }

    fn deepen(&mut self, target: Id, children: &[Id]) -> Result<(), PickleError> {
        let deepest = children.iter().map(|id| self.depths[*id as usize] + 1).max().unwrap_or(0);
        let depth = self.depths[target as usize].max(deepest);
        if usize::from(depth) > MAX_DEPTH {
            return Err(self.too_large("levels of nesting", MAX_DEPTH));
        }
        self.depths[target as usize] = depth;
        Ok(())
    }

    fn collect(&mut self, kind: fn(Vec<Id>) -> Object<'a>) -> Result<(), PickleError> {
        let items = self.pop_mark()?;
        self.push(kind(items))
    }

    fn pairs(&self, items: Vec<Id>) -> Result<Vec<(Id, Id)>, PickleError> {
        if items.len() % 2 == 1 {
            return Err(self.bad("a key has no value"));
        }
        Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
    }

    /// Nothing below the innermost mark can be reached.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, PickleError> {
        match self.stack.last() {
            Some(id) if self.stack.len() > self.floor() => Ok(*id),
            _ => Err(self.bad("the stack is empty")),
        }
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, PickleError> {
        if self.stack.len() < self.floor() + count {
            return Err(self.bad("the stack is empty"));
        }
        Ok(self.stack.split_off(self.stack.len() - count))
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark = self.marks.pop().ok_or_else(|| self.bad("there is no mark on the stack"))?;
        Ok(self.stack.split_off(mark))
    }

    fn pop_or_mark(&mut self) -> Result<(), PickleError> {
        if self.stack.len() == self.floor() { self.pop_mark().map(drop) } else { self.pop().map(drop) }
    }

    fn pop_text(&mut self) -> Result<&'a str, PickleError> {
        let id = self.pop()?;
        match &self.objects[id as usize] {
            Object::Text(text) => Ok(text),
            _ => Err(self.bad("expected the names of a module and a class")),
        }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PickleError> {
        let bytes = self.bytes[self.position..].get(..count).ok_or_else(|| self.truncated())?;
        self.position += count;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleError> {
        Ok(self.take(N)?.try_into().expect("a slice of N bytes"))
    }

    /// An unsigned length of `width` bytes.
    fn length(&mut self, width: usize) -> Result<usize, PickleError> {
        let mut value = [0; 8];
        value[..width].copy_from_slice(self.take(width)?);
        usize::try_from(u64::from_le_bytes(value)).map_err(|_| self.truncated())
    }

    /// The rest of the line, as the text opcodes of protocol 0 have it.
    fn line(&mut self) -> Result<&'a str, PickleError> {
        let rest = &self.bytes[self.position..];
        let length = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.truncated())?;
        let line = self.take(length + 1)?;
        self.utf8(&line[..length])
    }

    fn utf8(&self, bytes: &'a [u8]) -> Result<&'a str, PickleError> {
        std::str::from_utf8(bytes).map_err(|_| self.bad("the text is not UTF-8"))
    }

    fn bad(&self, reason: &'static str) -> PickleError {
        PickleError::BadOperand { name: self.name, position: self.start, reason }
    }

    fn truncated(&self) -> PickleError {
        PickleError::Truncated { name: self.name, position: self.start, length: self.bytes.len() }
    }

    fn too_large(&self, what: &'static str, limit: usize) -> PickleError {
        PickleError::TooLarge { what, limit, position: self.start }
    }
}

fn unquoted(line: &str) -> Option<&str> {
    let quote = line.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    line[1..].strip_suffix(quote)
}
