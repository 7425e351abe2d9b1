//! From the bytes of a plugin's tables to checked values. Safe code: nothing here trusts what a plugin says.

use super::memory::{Memory, Plain, Table, from_bytes};
use crate::abi::{
    KANRL_ABI_VERSION, KANRL_FLOAT32, KANRL_FLOAT64, KanrlCoordinate, KanrlEnvironment, KanrlFrame, KanrlParameter,
    KanrlPlugin, KanrlSpec, KanrlText,
};
use kanrl_core::environment::{EnvironmentHints, EnvironmentSpec, Frame, KeywordArguments, Parameter};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use std::collections::BTreeSet;
use std::mem::size_of;

/// Longest text that a plugin may hand out: a schema has room.
const TEXT_LIMIT: usize = 1 << 24;
/// Most elements of an array.
const COUNT_LIMIT: usize = 1 << 20;
/// Largest table that makes sense: a `size` beyond it is not a size.
const TABLE_LIMIT: usize = 1 << 16;

/// A table of a plugin is not what the ABI asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct TableError {
    /// Which field, such as `KanrlSpec.observation[2].unit`.
    pub place: String,
    /// What is wrong, and how to fix it.
    pub reason: String,
}

/// The first table of a plugin cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It speaks another version of the ABI.
    #[error("its ABI version is {found}, but this host needs {KANRL_ABI_VERSION}")]
    Version {
        /// The plugin's version.
        found: u32,
    },
    /// It speaks this version, but not correctly.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// What [`KanrlPlugin`] says.
#[derive(Clone, Debug)]
pub struct PluginHeader {
    /// The plugin's name.
    pub name: String,
    /// The plugin's version.
    pub version: String,
    /// The table itself.
    pub table: KanrlPlugin,
}

/// What [`KanrlEnvironment`] says.
#[derive(Clone, Debug)]
pub struct EnvironmentHeader {
    /// The environment's id.
    pub id: String,
    /// One line about it.
    pub summary: String,
    /// Its default arguments.
    pub default_arguments: KeywordArguments,
    /// The JSON schema of its arguments, if it has one.
    pub arguments_schema: Option<KeywordArguments>,
    /// What it asks of a run whose config says nothing.
    pub hints: EnvironmentHints,
    /// The table itself.
    pub table: KanrlEnvironment,
}

/// Reads the plugin's table: its version and size before anything else.
///
/// # Errors
/// [`HeaderError`] for another version, or a table that is too short or says what makes no sense.
pub fn plugin(memory: &impl Memory, address: usize) -> Result<PluginHeader, HeaderError> {
    let place = KanrlPlugin::NAME;
    let start = size_of::<usize>() + size_of::<u32>();
    let header: KanrlPlugin = from_bytes(range(memory, address, start, place)?);
    if header.abi_version != KANRL_ABI_VERSION {
        return Err(HeaderError::Version { found: header.abi_version });
    }
    let table: KanrlPlugin = read(memory, address, place)?;
    let name = text(memory, table.name, &format!("{place}.name"))?;
    let version = text(memory, table.version, &format!("{place}.version"))?;
    present(name.is_empty(), &format!("{place}.name"))?;
    present(table.environments.is_none(), &format!("{place}.environments"))?;
    Ok(PluginHeader { name, version, table })
}

/// Reads the `count` environments of a plugin.
///
/// # Errors
/// [`TableError`] for the first one that cannot be used.
pub fn environments(memory: &impl Memory, address: usize, count: usize) -> Result<Vec<EnvironmentHeader>, TableError> {
    let place = KanrlEnvironment::NAME;
    let mut ids = BTreeSet::new();
    array(memory, address, count, place, |table: KanrlEnvironment, place| {
        let id = text(memory, table.id, &format!("{place}.id"))?;
        present(id.is_empty(), &format!("{place}.id"))?;
        if id.chars().any(|character| character.is_whitespace() || character.is_control()) {
            return Err(failed(&format!("{place}.id"), format!("{id:?} has white space in it")));
        }
        if !ids.insert(id.clone()) {
            return Err(failed(&format!("{place}.id"), format!("`{id}` is there twice")));
        }
        let summary = text(memory, table.summary, &format!("{place}.summary"))?;
        let default_arguments = object(memory, table.default_arguments, &format!("{place}.default_arguments"))?;
        let schema = object(memory, table.arguments_schema, &format!("{place}.arguments_schema"))?;
        let hints = text(memory, table.hints, &format!("{place}.hints"))?;
        let hints = match hints.as_str() {
            "" => EnvironmentHints::default(),
            hints => serde_json::from_str(hints)
                .map_err(|error| failed(&format!("{place}.hints"), format!("not hints: {error}")))?,
        };
        for (missing, function) in [
            (table.create.is_none(), "create"),
            (table.destroy.is_none(), "destroy"),
            (table.spec.is_none(), "spec"),
            (table.reset.is_none(), "reset"),
            (table.step.is_none(), "step"),
        ] {
            present(missing, &format!("{place}.{function}"))?;
        }
        Ok(EnvironmentHeader {
            id,
            summary,
            default_arguments: default_arguments.unwrap_or_default(),
            arguments_schema: schema,
            hints,
            table,
        })
    })
}

/// Reads an instance's spec.
///
/// # Errors
/// [`TableError`] for a field that makes no sense.
pub fn spec(memory: &impl Memory, address: usize, id: &str) -> Result<EnvironmentSpec, TableError> {
    let place = KanrlSpec::NAME;
    let table: KanrlSpec = read(memory, address, place)?;
    let observation_place = format!("{place}.observation");
    let observation_space = BoxSpace::new(
        element_type(table.observation_type, &format!("{place}.observation_type"))?,
        coordinates(memory, table.observation.addr(), table.observation_count, &observation_place)?,
    );
    let action_space = match (table.discrete_actions.is_null(), table.action.is_null()) {
        (false, true) => {
            let place = format!("{place}.discrete_actions");
            let names = texts(memory, table.discrete_actions.addr(), table.discrete_action_count, &place)?;
            present(names.is_empty(), &place)?;
            ActionSpace::Discrete(DiscreteSpace::new(names))
        }
        (true, false) => ActionSpace::Box(BoxSpace::new(
            element_type(table.action_type, &format!("{place}.action_type"))?,
            coordinates(memory, table.action.addr(), table.action_count, &format!("{place}.action"))?,
        )),
        _ => {
            return Err(failed(place, "exactly one of `discrete_actions` and `action` must not be null"));
        }
    };
    present(table.frames_per_second == 0, &format!("{place}.frames_per_second"))?;
    let reward_threshold = (table.has_reward_threshold != 0).then_some(table.reward_threshold);
    if reward_threshold.is_some_and(|threshold| !threshold.is_finite()) {
        return Err(failed(&format!("{place}.reward_threshold"), "it is not finite"));
    }
    Ok(EnvironmentSpec {
        id: id.to_owned(),
        observation_space,
        action_space,
        max_episode_steps: (table.max_episode_steps != 0).then_some(table.max_episode_steps),
        reward_threshold,
        frames_per_second: table.frames_per_second,
        info_names: texts(memory, table.info_names.addr(), table.info_count, &format!("{place}.info_names"))?,
    })
}

/// Reads an instance's parameters.
///
/// # Errors
/// [`TableError`] for a name that is not an identifier.
pub fn parameters(memory: &impl Memory, address: usize, count: usize) -> Result<Vec<Parameter>, TableError> {
    array(memory, address, count, KanrlParameter::NAME, |table: KanrlParameter, place| {
        let name = identifier(memory, table.name, &format!("{place}.name"))?;
        Ok(Parameter { name, unit: text(memory, table.unit, &format!("{place}.unit"))?, value: table.value })
    })
}

/// Reads a picture.
///
/// # Errors
/// [`TableError`] for a size of 0 or beyond 16384.
pub fn frame(memory: &impl Memory, address: usize) -> Result<Frame, TableError> {
    let place = KanrlFrame::NAME;
    let KanrlFrame { width, height, rgb, .. } = read(memory, address, place)?;
    if !(1..=1 << 14).contains(&width) || !(1..=1 << 14).contains(&height) {
        return Err(failed(place, format!("{width} × {height} pixels, expected 1 to 16384 either way")));
    }
    let bytes = range(memory, rgb.addr(), width * height * 3, &format!("{place}.rgb"))?;
    Ok(Frame { width, height, rgb: bytes.to_vec() })
}

/// Reads plain numbers.
///
/// # Errors
/// [`TableError`] where they are not there.
pub fn numbers(memory: &impl Memory, address: usize, count: usize, place: &str) -> Result<Vec<f64>, TableError> {
    plain_array(memory, address, count, place, |value, _| Ok(value))
}

fn coordinates(memory: &impl Memory, address: usize, count: usize, place: &str) -> Result<Vec<Coordinate>, TableError> {
    let mut names = BTreeSet::new();
    let coordinates = array(memory, address, count, place, |table: KanrlCoordinate, place| {
        let name = identifier(memory, table.name, &format!("{place}.name"))?;
        if !names.insert(name.clone()) {
            return Err(failed(&format!("{place}.name"), format!("`{name}` is there twice")));
        }
        // False for NaN, too.
        let in_order = table.low <= table.high;
        if !in_order || table.low == f64::INFINITY || table.high == f64::NEG_INFINITY {
            return Err(failed(place, format!("the bounds of `{name}` are {} and {}", table.low, table.high)));
        }
        let unit = text(memory, table.unit, &format!("{place}.unit"))?;
        present(unit.is_empty(), &format!("{place}.unit"))?;
        let description = text(memory, table.description, &format!("{place}.description"))?;
        Ok(Coordinate { name, description, unit, low: table.low, high: table.high })
    })?;
    present(coordinates.is_empty(), place)?;
    Ok(coordinates)
}

fn element_type(value: u32, place: &str) -> Result<ElementType, TableError> {
    match value {
        KANRL_FLOAT32 => Ok(ElementType::F32),
        KANRL_FLOAT64 => Ok(ElementType::F64),
        _ => Err(failed(place, format!("{value} is neither KANRL_FLOAT32 nor KANRL_FLOAT64"))),
    }
}

/// Tables one after the other, `size` bytes of the first one apart.
fn array<T: Table, R>(
    memory: &impl Memory,
    address: usize,
    count: usize,
    place: &str,
    mut read_one: impl FnMut(T, &str) -> Result<R, TableError>,
) -> Result<Vec<R>, TableError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let stride = size(memory, address, T::REQUIRED, place)?;
    let bytes = elements(memory, address, count, stride, place)?;
    let mut values = Vec::with_capacity(count);
    for (index, bytes) in bytes.chunks_exact(stride).enumerate() {
        let place = format!("{place}[{index}]");
        let found: usize = usize::from_ne_bytes(bytes[..size_of::<usize>()].try_into().expect("a usize's bytes"));
        if found != stride {
            return Err(failed(&format!("{place}.size"), format!("{found}, but {stride} in the first element")));
        }
        values.push(read_one(from_bytes(bytes), &place)?);
    }
    Ok(values)
}

fn plain_array<T: Plain, R>(
    memory: &impl Memory,
    address: usize,
    count: usize,
    place: &str,
    mut read_one: impl FnMut(T, &str) -> Result<R, TableError>,
) -> Result<Vec<R>, TableError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let bytes = elements(memory, address, count, size_of::<T>(), place)?;
    bytes
        .chunks_exact(size_of::<T>())
        .enumerate()
        .map(|(index, bytes)| read_one(from_bytes(bytes), &format!("{place}[{index}]")))
        .collect()
}

fn elements<'m>(
    memory: &'m impl Memory,
    address: usize,
    count: usize,
    stride: usize,
    place: &str,
) -> Result<&'m [u8], TableError> {
    if count > COUNT_LIMIT {
        return Err(failed(place, format!("{count} elements, expected at most {COUNT_LIMIT}")));
    }
    range(memory, address, count * stride, place)
}

fn read<T: Table>(memory: &impl Memory, address: usize, place: &str) -> Result<T, TableError> {
    let size = size(memory, address, T::REQUIRED, place)?;
    Ok(from_bytes(range(memory, address, size, place)?))
}

/// The size that a table begins with.
fn size(memory: &impl Memory, address: usize, required: usize, place: &str) -> Result<usize, TableError> {
    let bytes = range(memory, address, size_of::<usize>(), place)?;
    let size = usize::from_ne_bytes(bytes.try_into().expect("a usize's bytes"));
    if !(required..=TABLE_LIMIT).contains(&size) {
        let reason = format!("the table is {size} bytes long, expected {required} to {TABLE_LIMIT}");
        return Err(failed(&format!("{place}.size"), reason));
    }
    Ok(size)
}

fn texts(memory: &impl Memory, address: usize, count: usize, place: &str) -> Result<Vec<String>, TableError> {
    plain_array(memory, address, count, place, |value, place| text(memory, value, place))
}

fn text(memory: &impl Memory, value: KanrlText, place: &str) -> Result<String, TableError> {
    if value.length == 0 {
        return Ok(String::new());
    }
    if value.length > TEXT_LIMIT {
        return Err(failed(place, format!("{} bytes long, expected at most {TEXT_LIMIT}", value.length)));
    }
    let bytes = range(memory, value.data.addr(), value.length, place)?;
    let text = std::str::from_utf8(bytes).map_err(|error| failed(place, format!("not UTF-8: {error}")))?;
    Ok(text.to_owned())
}

fn identifier(memory: &impl Memory, value: KanrlText, place: &str) -> Result<String, TableError> {
    let name = text(memory, value, place)?;
    let first = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if first && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_') {
        Ok(name)
    } else {
        Err(failed(place, format!("{name:?} is not an ASCII identifier, such as `theta_dot`")))
    }
}

/// A JSON object, or `None` for no text.
fn object(memory: &impl Memory, value: KanrlText, place: &str) -> Result<Option<KeywordArguments>, TableError> {
    let text = text(memory, value, place)?;
    if text.is_empty() {
        return Ok(None);
    }
    serde_json::from_str(&text).map(Some).map_err(|error| failed(place, format!("no JSON object: {error}")))
}

fn range<'m>(memory: &'m impl Memory, address: usize, length: usize, place: &str) -> Result<&'m [u8], TableError> {
    if address == 0 {
        return Err(failed(place, "it is null"));
    }
    memory.bytes(address, length).ok_or_else(|| failed(place, format!("no {length} bytes at address {address:#x}")))
}

fn present(missing: bool, place: &str) -> Result<(), TableError> {
    if missing { Err(failed(place, "it is missing")) } else { Ok(()) }
}

fn failed(place: &str, reason: impl Into<String>) -> TableError {
    TableError { place: place.to_owned(), reason: reason.into() }
}
