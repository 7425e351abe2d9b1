//! Whether the exports in a folder are those of its contracts, and still do what their formulas do.

use crate::contract::{Contract, ContractError, MAXIMUM_BYTES, SUFFIX, sha256};
use crate::replay::{Outcome, ReplayError, replay};
use crate::target::{ExportFile, Format, Scalar, Target};
use kanrl_symbolic::Format as Text;
use std::path::Path;

/// Observations that an export is replayed at.
pub const ROWS: usize = 10_000;
/// Largest file of an export that is read.
const MAXIMUM_FILE: u64 = 64 << 20;

/// An export that was found in a folder.
#[derive(Debug)]
pub struct Checked {
    /// Its file.
    pub file: String,
    /// What it was exported as.
    pub target: Target,
    /// What came of it.
    pub result: Result<Outcome, CheckError>,
}

/// What is wrong with an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The contract that it was made under is not there, or was changed since.
    #[error("its contract, with the SHA-256 {digest}, is not in this folder, or was changed since")]
    NoContract {
        /// The digest in the file.
        digest: String,
    },
    /// A file that belongs to it is not there.
    #[error("{0}, which belongs to it, is not there")]
    Incomplete(String),
    /// It does not do what the formula does.
    #[error(transparent)]
    Replay(#[from] ReplayError),
}

/// Why a folder cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file cannot be read.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is nothing to check against.
    #[error("{path} has no contract (*{SUFFIX}): `kanrl export --dir` writes it beside every export")]
    NoContract {
        /// The folder.
        path: String,
    },
    /// The contract is not one.
    #[error("{path}: {source}")]
    Contract {
        /// Where.
        path: String,
        /// Why.
        source: ContractError,
    },
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, FolderError> {
    let error = |source| FolderError::File { path: path.display().to_string(), source };
    let size = std::fs::metadata(path).map_err(error)?.len();
    if size > most {
        return Err(error(std::io::Error::other(format!("it has {size} bytes; at most {most} are read"))));
    }
    std::fs::read(path).map_err(error)
}

/// Replays every export in a folder at [`ROWS`] observations against the formula of its contract. **This compiles and runs the code
/// that is there.**
///
/// # Errors
/// [`FolderError`] where the folder or a contract cannot be read.
pub fn check(folder: &Path) -> Result<Vec<Checked>, FolderError> {
    let display = |path: &Path| path.display().to_string();
    let entries = std::fs::read_dir(folder).map_err(|source| FolderError::File { path: display(folder), source })?;
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    if names.iter().any(|name| name == "Cargo.toml") && folder.join("src/lib.rs").is_file() {
        // A crate: what it says of itself stands in its source.
        names.retain(|name| name != "Cargo.toml");
        names.push("src/lib.rs".to_owned());
    }
    let (contracts, others): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.ends_with(SUFFIX));
    let mut known = Vec::new();
    for name in contracts {
        let path = folder.join(name);
        let text = String::from_utf8_lossy(&read(&path, MAXIMUM_BYTES)?).into_owned();
        let contract = Contract::from_json(&text);
        let contract = contract.map_err(|source| FolderError::Contract { path: display(&path), source })?;
        known.push((sha256(text.as_bytes()), contract));
    }
    if known.is_empty() {
        return Err(FolderError::NoContract { path: display(folder) });
    }
    let mut all = Vec::new();
    for name in others {
        let path = folder.join(name);
        // A header is read with its source.
        if !path.is_file() || path.extension().is_some_and(|extension| extension == "h") {
            continue;
        }
        let bytes = read(&path, MAXIMUM_FILE)?;
        let (target, found, digest) = if name == Format::Text(Text::Json).file_name() {
            let digest = sha256(&bytes);
            let of = |contract: &Contract| contract.digests.get(name) == Some(&digest);
            let found = known.iter().find(|(_, contract)| of(contract));
            (Target { format: Text::Json.into(), scalar: Scalar::Double }, found, digest)
        } else {
            let Some((target, digest)) = Target::find(&String::from_utf8_lossy(&bytes)) else { continue };
            (target, known.iter().find(|(known, _)| *known == digest), digest)
        };
        let result = match found {
            Some((_, contract)) => replay_file(folder, target, bytes, contract),
            None => Err(CheckError::NoContract { digest }),
        };
        all.push(Checked { file: name.clone(), target, result });
    }
    Ok(all)
}

fn replay_file(folder: &Path, target: Target, bytes: Vec<u8>, contract: &Contract) -> Result<Outcome, CheckError> {
    // Whatever it is called here, it is what its harness expects there.
    let file = |name: &str, bytes: Vec<u8>| ExportFile { name: name.to_owned(), bytes };
    let mut files = Vec::new();
    if target.format == Format::Text(Text::C) {
        let includes_header = String::from_utf8_lossy(&bytes).contains("#include \"policy.h\"");
        if includes_header {
            let header = std::fs::read(folder.join("policy.h"));
            files.push(file("policy.h", header.map_err(|_| CheckError::Incomplete("policy.h".to_owned()))?));
            files.push(file("policy.c", bytes));
        } else {
            // One file: what calls it includes all of it.
            files.push(file("policy.c", b"typedef int policy_is_in_its_header;\n".to_vec()));
            files.push(file("policy.h", bytes));
        }
    } else {
        files.push(file(target.format.file_name(), bytes));
    }
    Ok(replay(target, &files, contract, &contract.points(ROWS))?)
}
