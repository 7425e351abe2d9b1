//! What stages left in a run directory, and whether it is still what they left.

use super::files::RunFile;
use super::folder::{Folder, Kind};
use super::locked::LockedRun;
use super::store::{LARGEST, RunStore, RunStoreError};
use crate::digest::{hexadecimal, sha256};
use crate::engine::{Artifact, LoadContext};
use crate::files::FileError;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result as IoResult};
use std::path::PathBuf;

/// The file that completes a stage's folder.
const RECORD: &str = "stage.json";
/// Depth up to which folders of artifacts are looked into; deeper ones are refused.
const DEEPEST: usize = 8;

/// What a stage's folder holds, and under which key it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRecord {
    format: u32,
    stage: String,
    key: String,
    /// SHA-256 of each file, by its path in the stage's folder.
    files: BTreeMap<String, String>,
    /// SHA-256 of all of the above, so that damage to the record itself is noticed.
    seal: String,
}

impl StageRecord {
    const FORMAT: u32 = 2;

    fn new(stage: &str, key: &str, files: BTreeMap<String, String>) -> Self {
        let mut record =
            Self { format: Self::FORMAT, stage: stage.to_owned(), key: key.to_owned(), files, seal: String::new() };
        record.seal = record.digest();
        record
    }

    /// The key under which the stage's artifacts were made.
    pub fn key(&self) -> &str {
        &self.key
    }

    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let own = [&self.format.to_string(), &self.stage, &self.key];
        for text in own.into_iter().chain(self.files.iter().flat_map(|(name, digest)| [name, digest])) {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hexadecimal(&hash.finalize())
    }

    fn to_bytes(&self) -> IoResult<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(Error::other)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

impl RunStore {
    /// What stage `stage` left; `None` where it was not completed, or was by a version that kept no digests.
    ///
    /// # Errors
    /// [`RunStoreError::Damaged`] for a record that is not as it was written.
    pub fn stage(&self, stage: &str) -> Result<Option<StageRecord>, RunStoreError> {
        let Some(folder) = self.stage_folder(stage) else { return Ok(None) };
        if matches!(folder.kind(RECORD), Ok(None)) {
            return Ok(None);
        }
        let damaged = || RunStoreError::Damaged {
            path: self.stage_path(stage).join(RECORD),
            reason: "it is not what was written".to_owned(),
        };
        let bytes = folder.read(RECORD, LARGEST).map_err(|_| damaged())?;
        let record: StageRecord = match serde_json::from_slice(&bytes) {
            Ok(record) => record,
            Err(_) if is_of_version_1(&bytes) => return Ok(None),
            Err(_) => return Err(damaged()),
        };
        let is_whole = record.to_bytes().is_ok_and(|written| written == bytes);
        if is_whole && record.seal == record.digest() && record.stage == stage {
            Ok(Some(record))
        } else {
            Err(damaged())
        }
    }

    /// Whether a stage's folder still holds what its record says, and nothing else.
    ///
    /// # Errors
    /// [`RunStoreError::Damaged`], which names the first file that is not as it was written.
    pub fn check_stage(&self, record: &StageRecord) -> Result<(), RunStoreError> {
        self.check_files(record, "")
    }

    /// An artifact that one of the run's stages made, if any did.
    ///
    /// # Errors
    /// [`RunStoreError::Damaged`] where it is not as it was written or cannot be read.
    pub fn artifact<A: Artifact>(&self, context: &LoadContext) -> Result<Option<A>, RunStoreError> {
        let prefix = format!("{}/", A::NAME);
        let stages = self.folder().folder(RunFile::Stages.name()).and_then(|folder| folder.entries());
        for (stage, _) in stages.unwrap_or_default() {
            let Some(stage) = stage.to_str() else { continue };
            let Some(record) = self.stage(stage)? else { continue };
            if record.files.keys().any(|name| name.starts_with(&prefix)) {
                self.check_files(&record, &prefix)?;
                let path = self.stage_path(stage).join(A::NAME);
                let damaged = |error: crate::engine::ArtifactError| RunStoreError::Damaged {
                    path: path.clone(),
                    reason: error.to_string(),
                };
                return A::load(&path, context).map(Some).map_err(damaged);
            }
        }
        Ok(None)
    }

    fn check_files(&self, record: &StageRecord, prefix: &str) -> Result<(), RunStoreError> {
        let path = self.stage_path(&record.stage);
        let damaged =
            |name: &str, reason: &str| RunStoreError::Damaged { path: path.join(name), reason: reason.to_owned() };
        let folder = self.stage_folder(&record.stage).ok_or_else(|| damaged("", "it is gone"))?;
        let found = digests(&folder).map_err(|error| damaged("", &error.to_string()))?;
        let is_asked = |name: &&String| name.starts_with(prefix);
        for name in record.files.keys().filter(is_asked) {
            match found.get(name) {
                None => return Err(damaged(name, "it is gone")),
                Some(digest) if *digest != record.files[name] => {
                    return Err(damaged(name, "its content is not what was written"));
                }
                Some(_) => {}
            }
        }
        match found.keys().filter(is_asked).find(|name| !record.files.contains_key(*name)) {
            Some(name) => Err(damaged(name, "it was not written by the stage")),
            None => Ok(()),
        }
    }

    fn stage_folder(&self, stage: &str) -> Option<Folder> {
        self.folder().folder(RunFile::Stages.name()).ok()?.folder(stage).ok()
    }
}

impl LockedRun {
    /// Makes the folder of a stage's artifacts; one that exists is emptied and no longer counts as a complete stage.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn create_stage(&self, stage: &str) -> Result<PathBuf, FileError> {
        let stages = self.stages()?;
        let made = stages.remove(stage).and_then(|()| stages.create_folder(stage));
        let error = |source| FileError { path: self.stage_path(stage), source };
        made.map(|folder| folder.path().to_owned()).map_err(error)
    }

    /// Notes that everything a stage makes lies in its folder, and its digests: what is changed later is noticed.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn complete_stage(&self, stage: &str, key: &str) -> Result<(), FileError> {
        let error = |source| FileError { path: self.stage_path(stage).join(RECORD), source };
        let folder = self.stages()?.folder(stage).map_err(error)?;
        let record = StageRecord::new(stage, key, digests(&folder).map_err(error)?);
        record.to_bytes().and_then(|bytes| folder.write(RECORD, &bytes)).map_err(error)
    }

    pub(super) fn stages(&self) -> Result<Folder, FileError> {
        let name = RunFile::Stages.name();
        let error = |source| FileError { path: self.path_of(RunFile::Stages), source };
        self.folder().create_folder(name).map_err(error)
    }
}

/// SHA-256 of every file in a stage's folder but the record, by its path inside.
fn digests(folder: &Folder) -> IoResult<BTreeMap<String, String>> {
    fn visit(folder: &Folder, place: &str, depth: usize, found: &mut BTreeMap<String, String>) -> IoResult<()> {
        for (name, kind) in folder.entries()? {
            let refused = |reason: &str| Error::new(ErrorKind::InvalidData, format!("`{}` {reason}", name.display()));
            let text = name.to_str().ok_or_else(|| refused("is not a name in UTF-8"))?;
            match kind {
                Kind::File if place.is_empty() && text == RECORD => {}
                Kind::File => {
                    let digest = sha256(&mut folder.open_file(&name)?)?;
                    found.insert(format!("{place}{text}"), digest);
                }
                Kind::Folder if depth > 0 => {
                    visit(&folder.folder(&name)?, &format!("{place}{text}/"), depth - 1, found)?;
                }
                Kind::Folder => return Err(refused("lies too deep")),
                Kind::Other => return Err(refused("is neither a file nor a folder")),
            }
        }
        Ok(())
    }
    let mut found = BTreeMap::new();
    visit(folder, "", DEEPEST, &mut found)?;
    Ok(found)
}

/// Whether a record is of the version that kept no digests: nothing of it is reused.
fn is_of_version_1(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Version1 {
        format: u32,
        #[serde(rename = "stage")]
        _stage: String,
        #[serde(rename = "key")]
        _key: String,
    }
    serde_json::from_slice::<Version1>(bytes).is_ok_and(|record| record.format == 1)
}

#[cfg(test)]
mod tests {
    use crate::run::{LockedRun, RunStoreError};

    #[test]
    fn stages_are_complete_or_empty() {
        let folder = tempfile::tempdir().unwrap();
        let run = LockedRun::open(folder.path()).unwrap();
        let path = run.create_stage("fit").unwrap();
        std::fs::write(path.join("network"), "").unwrap();
        assert_eq!(run.stage("fit").unwrap(), None);
        run.complete_stage("fit", "key").unwrap();
        let record = run.stage("fit").unwrap().unwrap();
        assert_eq!(record.key(), "key");
        run.check_stage(&record).unwrap();
        let mut seen = Vec::new();
        run.visit(&mut |name, _| {
            seen.push(name.to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, ["stages/fit/network", "stages/fit/stage.json"]);
        run.create_stage("fit").unwrap();
        assert_eq!((run.stage("fit").unwrap(), path.join("network").exists()), (None, false));
        assert!(run.create_stage("../fit").is_err());
    }

    #[test]
    fn every_damage_is_noticed_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = LockedRun::open(folder.path()).unwrap();
        let path = run.create_stage("fit").unwrap();
        std::fs::create_dir(path.join("networks")).unwrap();
        std::fs::write(path.join("networks/kan"), "weights").unwrap();
        run.complete_stage("fit", "key").unwrap();
        let check = || run.stage("fit").and_then(|record| run.check_stage(&record.expect("a record")));
        check().unwrap();
        for (file, name) in [("networks/kan", "fit/networks/kan"), ("stage.json", "fit/stage.json")] {
            let whole = std::fs::read(path.join(file)).unwrap();
            for bit in 0..8 * whole.len() {
                let mut damaged = whole.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                std::fs::write(path.join(file), damaged).unwrap();
                let error = check().unwrap_err();
                assert!(
                    matches!(&error, RunStoreError::Damaged { path, .. } if path.ends_with(name)),
                    "{bit}: {error}"
                );
            }
            for length in 0..whole.len() {
                std::fs::write(path.join(file), &whole[..length]).unwrap();
                assert!(check().is_err(), "{length} bytes of {file}");
            }
            std::fs::write(path.join(file), whole).unwrap();
        }
        std::fs::write(path.join("networks/other"), "").unwrap();
        assert!(check().unwrap_err().to_string().contains("was not written by the stage"));
        std::fs::remove_file(path.join("networks/other")).unwrap();
        std::fs::remove_file(path.join("networks/kan")).unwrap();
        assert!(check().unwrap_err().to_string().contains("it is gone"));
        // What a version without digests left is not reused, and not called damaged.
        std::fs::write(path.join("stage.json"), r#"{"format": 1, "stage": "fit", "key": "key"}"#).unwrap();
        assert_eq!(run.stage("fit").unwrap(), None);
    }
}
