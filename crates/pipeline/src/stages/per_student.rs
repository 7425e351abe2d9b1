//! One artifact for each student of a run.

use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// An artifact that every student of a run has one of.
pub trait StudentPart: Artifact {
    /// The name of all of them together, unique in a pipeline.
    const PLURAL: &'static str;
}

/// One artifact for each student, under the students' names, in the order of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct PerStudent<A>(pub Vec<(String, A)>);

impl<A> Default for PerStudent<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A> PerStudent<A> {
    /// The student of that name.
    pub fn get(&self, name: &str) -> Option<&A> {
        self.0.iter().find(|(student, _)| student == name).map(|(_, part)| part)
    }

    /// The students' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

const FORMAT: u32 = 1;
const LIST: &str = "students.json";

#[derive(Serialize, Deserialize)]
struct List {
    format: u32,
    students: Vec<String>,
}

impl<A: StudentPart> Artifact for PerStudent<A> {
    const NAME: &'static str = A::PLURAL;

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        for (name, part) in &self.0 {
            let folder = folder.join(name);
            files::create_empty_folder(&folder)?;
            part.save(&folder)?;
        }
        let list = List { format: FORMAT, students: self.names().map(str::to_owned).collect() };
        Ok(files::write_json(&folder.join(LIST), &list)?)
    }

    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtifactError> {
        let list: List = serde_json::from_slice(&std::fs::read(folder.join(LIST))?).map_err(ArtifactError::damaged)?;
        if list.format != FORMAT {
            return Err(ArtifactError::damaged(format!("format {}, expected {FORMAT}", list.format)));
        }
        let part = |name: String| {
            if name.contains(['/', '\\']) || name.starts_with('.') {
                return Err(ArtifactError::damaged(format!("a student named `{name}`")));
            }
            let part = A::load(&folder.join(&name), context)?;
            Ok((name, part))
        };
        list.students.into_iter().map(part).collect::<Result<_, _>>().map(Self)
    }
}
