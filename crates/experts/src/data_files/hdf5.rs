//! HDF5 files: Minari's data sets, a group for each episode, and files of plain arrays, as D4RL's are.

use super::arrays::{Arrays, Column, Kind};
use crate::ExpertError;
use crate::archive::MAX_FILE;
use crate::hdf5::{Elements, File, Node};
use crate::numpy::Array;

/// What Minari calls an episode's group before its number.
const EPISODE: &str = "episode_";
/// Why an array of objects is not read.
const NOT_NUMBERS: &str = "holds groups";

impl Arrays {
    pub(super) fn read_hdf5(file: String, bytes: Vec<u8>) -> Result<Self, ExpertError> {
        let mut arrays = Self::new(file.clone(), false);
        arrays.read_links(&bytes).map_err(|reason| ExpertError::malformed(&file, reason))?;
        Ok(arrays)
    }

    fn read_links(&mut self, bytes: &[u8]) -> Result<(), String> {
        let file = File::open(bytes, MAX_FILE)?;
        let links = file.root()?;
        let number = |name: &str| name.strip_prefix(EPISODE)?.parse::<u64>().ok();
        let mut episodes: Vec<(u64, u64)> =
            links.iter().filter_map(|(name, address)| Some((number(name)?, *address))).collect();
        if episodes.is_empty() {
            for (name, address) in links {
                self.columns.push(column(&name, file.node(address)?));
            }
            return Ok(());
        }
        episodes.sort_unstable();
        let mut whole = Whole::default();
        for (number, address) in episodes {
            whole.push(&file, address).map_err(|reason| format!("has an `{EPISODE}{number}` that {reason}"))?;
        }
        whole.into_columns(self);
        Ok(())
    }
}

/// All episodes, one after the other.
#[derive(Default)]
struct Whole {
    observations: Option<Part>,
    actions: Option<Part>,
    /// First row of each episode.
    starts: Vec<f64>,
    rows: usize,
    /// Parts of an observation that are side by side now.
    parts: Vec<String>,
}

/// Rows of one kind.
struct Part {
    /// Axes of one row.
    row: Vec<usize>,
    kind: Kind,
    values: Vec<f64>,
}

impl Whole {
    /// Adds an episode. Its last observation, after which nothing was done, is left out.
    fn push(&mut self, file: &File<'_>, address: u64) -> Result<(), String> {
        let Node::Group(links) = file.node(address)? else { return Err("is not a group".to_owned()) };
        let find = |name: &str| {
            let link = links.iter().find(|(known, _)| known == name);
            link.map(|(_, address)| *address).ok_or_else(|| format!("has no `{name}`"))
        };
        let actions =
            numbers(file.node(find("actions")?)?).map_err(|reason| format!("has `actions`, which {reason}"))?;
        let rows = *actions.array.shape.first().ok_or("has `actions` without rows")?;
        let observations = match file.node(find("observations")?)? {
            Node::Group(parts) => self.side_by_side(file, parts, rows)?,
            node => numbers(node).map_err(|reason| format!("has `observations`, which {reason}"))?,
        };
        let seen = observations.array.shape.first().copied().unwrap_or(0);
        if seen != rows && seen != rows + 1 {
            return Err(format!("has {seen} observations for {rows} actions"));
        }
        self.starts.push(self.rows as f64);
        self.rows += rows;
        add(&mut self.actions, actions, rows, "actions")?;
        add(&mut self.observations, observations, rows, "observations")
    }

    /// A dictionary's vectors in the order of their names, which is Gymnasium's.
    fn side_by_side(
        &mut self,
        file: &File<'_>,
        mut parts: Vec<(String, u64)>,
        rows: usize,
    ) -> Result<Elements, String> {
        parts.sort();
        let mut all = Vec::new();
        for (name, address) in &parts {
            let part =
                numbers(file.node(*address)?).map_err(|reason| format!("has `observations/{name}`, which {reason}"))?;
            let seen = part.array.shape.first().copied().unwrap_or(0);
            if seen < rows || part.array.values.len() % seen.max(1) != 0 {
                return Err(format!("has {seen} rows of `observations/{name}` for {rows} actions"));
            }
            all.push((part.array.values.len() / seen.max(1), part.array.values));
        }
        let width = all.iter().map(|(width, _)| width).sum();
        let row =
            |row: usize| all.iter().flat_map(move |(width, values)| &values[row * width..(row + 1) * width]).copied();
        let values = (0..rows).flat_map(row).collect();
        if self.parts.is_empty() {
            self.parts = parts.into_iter().map(|(name, _)| name).collect();
        }
        Ok(Elements { array: Array { shape: vec![rows, width], values }, code: 'f' })
    }

    fn into_columns(self, arrays: &mut Arrays) {
        let episodes = self.starts.len();
        arrays.notes.push(format!("{episodes} episodes of a Minari data set"));
        if !self.parts.is_empty() {
            arrays.notes.push(format!("observations are {}, side by side", self.parts.join(", ")));
        }
        for (name, part) in [("observations", self.observations), ("actions", self.actions)] {
            if let Some(Part { row, kind, values }) = part {
                let shape = std::iter::once(self.rows).chain(row).collect();
                arrays.columns.push(Column { name: name.to_owned(), array: Array { shape, values }, kind });
            }
        }
        let array = Array { shape: vec![episodes], values: self.starts };
        arrays.columns.push(Column { name: "episode_starts".to_owned(), array, kind: Kind::Integers });
    }
}

/// Adds an episode's first `rows` rows.
fn add(whole: &mut Option<Part>, episode: Elements, rows: usize, name: &str) -> Result<(), String> {
    let kind = kind(&episode);
    let Array { shape, values } = episode.array;
    let row = shape[1..].to_vec();
    let whole = whole.get_or_insert_with(|| Part { row: row.clone(), kind: kind.clone(), values: Vec::new() });
    if whole.row != row {
        return Err(format!("has `{name}` of shape {row:?}, but earlier ones of {:?}", whole.row));
    }
    if whole.kind != kind {
        whole.kind = Kind::Floats;
    }
    whole.values.extend_from_slice(&values[..rows * row.iter().product::<usize>()]);
    Ok(())
}

fn numbers(node: Node) -> Result<Elements, String> {
    match node {
        Node::Dataset(elements) if !elements.array.shape.is_empty() => Ok(elements),
        Node::Dataset(_) => Err("is a single number".to_owned()),
        Node::Group(_) => Err(NOT_NUMBERS.to_owned()),
        Node::Unreadable(reason) => Err(reason),
    }
}

fn kind(elements: &Elements) -> Kind {
    match elements.code {
        'b' => Kind::Flags,
        'f' => Kind::Floats,
        _ => Kind::Integers,
    }
}

fn column(name: &str, node: Node) -> Column {
    match node {
        Node::Dataset(elements) => {
            let kind = kind(&elements);
            Column { name: name.to_owned(), array: elements.array, kind }
        }
        Node::Group(_) => Column::unreadable(name, NOT_NUMBERS.to_owned()),
        Node::Unreadable(reason) => Column::unreadable(name, reason),
    }
}
