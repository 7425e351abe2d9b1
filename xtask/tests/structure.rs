//! Who may know whom: import circles stay small, and a run's files have one owner.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Most files that may import each other in a circle.
const LARGEST_CIRCLE: usize = 3;

/// A module, by the names on the way to it; the crate itself has none.
type Module = Vec<String>;

/// What a module's file says.
#[derive(Default)]
struct Source {
    /// Items that it defines.
    items: BTreeSet<String>,
    /// Items that it hands on, with where they come from.
    exports: BTreeMap<String, Vec<String>>,
    /// Paths that it uses itself.
    uses: Vec<Vec<String>>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder's entry").path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Every module of a crate that is a file. Test modules at the end of a file are left out.
fn modules(krate: &str) -> BTreeMap<Module, Source> {
    let folder = root().join("crates").join(krate).join("src");
    let mut paths = Vec::new();
    files(&folder, "rs", &mut paths);
    let read = |path: &PathBuf| {
        let place = path.strip_prefix(&folder).expect("inside").with_extension("");
        let mut module: Module = place.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
            module.pop();
        }
        let text = std::fs::read_to_string(path).expect("a source file");
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        (module, source(&lines.join("\n")))
    };
    paths.iter().map(read).collect()
}

fn source(text: &str) -> Source {
    let mut source = Source::default();
    let mut rest = String::new();
    for statement in text.split_inclusive(['{', '}', ';']).collect::<Statements<'_>>() {
        let statement = statement.trim();
        let words: Vec<&str> = statement.split_whitespace().collect();
        let Some(place) = words.iter().position(|word| *word == "use") else {
            rest.push_str(statement);
            rest.push('\n');
            continue;
        };
        let tree = words[place + 1..].join(" ");
        for path in expanded(tree.trim_end_matches(';')) {
            let is_public = words[..place].iter().any(|word| word.starts_with("pub"));
            match path.last() {
                Some(name) if is_public => drop(source.exports.insert(name.clone(), path)),
                _ => source.uses.push(path),
            }
        }
    }
    let words: Vec<&str> = rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).collect();
    for pair in words.windows(2) {
        if ["struct", "enum", "trait", "fn", "type", "const", "static"].contains(&pair[0]) {
            source.items.insert(pair[1].trim_end_matches(':').to_owned());
        }
        // In `pub(in crate::…)` the path says who may see an item.
        if (pair[1].starts_with("crate::") || pair[1].starts_with("super::")) && pair[0] != "in" {
            source.uses.push(pair[1].split("::").map(str::to_owned).collect());
        }
    }
    source
}

/// Pieces of a text, those of a `use` joined up to its semicolon.
struct Statements<'a>(Vec<std::borrow::Cow<'a, str>>);

impl<'a> FromIterator<&'a str> for Statements<'a> {
    fn from_iter<I: IntoIterator<Item = &'a str>>(pieces: I) -> Self {
        let mut all: Vec<std::borrow::Cow<'a, str>> = Vec::new();
        for piece in pieces {
            let is_open = |last: &&mut std::borrow::Cow<'a, str>| {
                last.split_whitespace().any(|word| word == "use") && !last.ends_with(';')
            };
            match all.last_mut().filter(is_open) {
                Some(last) => last.to_mut().push_str(piece),
                None => all.push(piece.into()),
            }
        }
        Self(all)
    }
}

impl<'a> IntoIterator for Statements<'a> {
    type Item = std::borrow::Cow<'a, str>;
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// The paths of a `use` tree.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, tail)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        return vec![path.split("::").map(|name| name.trim().to_owned()).collect()];
    };
    let inside = tail.rsplit_once('}').map_or(tail, |(inside, _)| inside);
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for character in inside.chars() {
        depth += i32::from(character == '{') - i32::from(character == '}');
        match parts.last_mut() {
            Some(part) if character != ',' || depth > 0 => part.push(character),
            _ => parts.push(String::new()),
        }
    }
    parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| expanded(&format!("{head}{part}"))).collect()
}

/// A path from the crate's root on; none for another crate's.
fn absolute(modules: &BTreeMap<Module, Source>, module: &Module, path: &[String]) -> Option<Vec<String>> {
    let (mut base, mut path) = (module.clone(), path);
    match path.first().map(String::as_str)? {
        "crate" => return Some(path[1..].to_vec()),
        "self" => path = &path[1..],
        "super" => {
            while path.first().is_some_and(|name| name == "super") {
                base.pop();
                path = &path[1..];
            }
        }
        first => {
            let child: Module = module.iter().cloned().chain([first.to_owned()]).collect();
            modules.get(&child)?;
        }
    }
    Some(base.into_iter().chain(path.iter().cloned()).collect())
}

/// The module whose file defines what a path names, however it is handed on.
fn owner(modules: &BTreeMap<Module, Source>, path: &[String], depth: usize) -> Module {
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length])).unwrap_or(0);
    let (module, rest) = (path[..length].to_vec(), &path[length..]);
    let source = &modules[&module];
    match rest.first() {
        Some(name) if depth < 8 && !source.items.contains(name) => {
            let from = source.exports.get(name).and_then(|export| absolute(modules, &module, export));
            from.map_or(module, |from| owner(modules, &[&from, &rest[1..]].concat(), depth + 1))
        }
        _ => module,
    }
}

/// Groups of modules each of which needs all others.
fn circles(krate: &str) -> Vec<Vec<String>> {
    let modules = modules(krate);
    let mut needs: BTreeMap<&Module, BTreeSet<Module>> = BTreeMap::new();
    for (module, source) in &modules {
        let owners = source.uses.iter().filter(|path| path.last().is_none_or(|name| name != "*"));
        let owners = owners.filter_map(|path| absolute(&modules, module, path));
        needs.insert(module, owners.map(|path| owner(&modules, &path, 0)).filter(|other| other != module).collect());
    }
    let reached = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = next.pop() {
            next.extend(needs[&module].iter().filter(|need| seen.insert((*need).clone())).cloned());
        }
        seen
    };
    let reaches: BTreeMap<&Module, BTreeSet<Module>> = modules.keys().map(|module| (module, reached(module))).collect();
    let group = |module: &Module| -> Vec<String> {
        let others = reaches[module].iter().filter(|other| reaches[other].contains(module));
        others.map(|other| other.join("::")).collect()
    };
    let groups: BTreeSet<Vec<String>> = modules.keys().map(group).collect();
    groups.into_iter().filter(|group| group.len() > 1).collect()
}

#[test]
fn no_import_circle_has_more_than_three_files() {
    for krate in ["kan-core", "pipeline"] {
        for circle in circles(krate) {
            assert!(circle.len() <= LARGEST_CIRCLE, "{krate}: {} files in a circle: {circle:?}", circle.len());
        }
    }
}

#[test]
fn the_network_s_modules_point_one_way() {
    const ORDER: [&str; 4] = ["spline", "graph", "compute", "kan"];
    let modules = modules("kan-core");
    for (module, source) in &modules {
        let Some(place) = module.first().and_then(|name| ORDER.iter().position(|other| other == name)) else {
            continue;
        };
        for path in source.uses.iter().filter_map(|path| absolute(&modules, module, path)) {
            let target = owner(&modules, &path, 0);
            let later = target.first().is_some_and(|name| ORDER[place + 1..].contains(&name.as_str()));
            assert!(!later, "{} uses {}", module.join("::"), path.join("::"));
        }
    }
}

/// Names of a run's files stand in `pipeline/run` alone, and those of files that nobody writes nowhere.
#[test]
fn only_the_run_directory_s_own_code_names_its_files() {
    let mut sources = Vec::new();
    for folder in ["crates", "python", "xtask", "examples", "benches", "plugins", "fuzz"] {
        for extension in ["rs", "py", "js", "html"] {
            files(&root().join(folder), extension, &mut sources);
        }
    }
    let owner = root().join("crates/pipeline/src/run");
    let names =
        [["metrics", "json"], ["pareto", "json"], ["faithful", "mp4"], ["kan", "mp4"]].map(|name| name.join("."));
    let skipped = |path: &PathBuf| {
        path.components().any(|part| ["target", "node_modules"].iter().any(|name| part.as_os_str() == *name))
    };
    for path in sources.iter().filter(|path| !path.starts_with(&owner) && !skipped(path)) {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        for name in &names {
            // Part of a longer name is another file.
            let found =
                text.match_indices(name.as_str()).any(|(at, _)| !text[..at].ends_with(|c: char| c.is_alphanumeric()));
            assert!(!found, "{} names {name}", path.display());
        }
    }
}
