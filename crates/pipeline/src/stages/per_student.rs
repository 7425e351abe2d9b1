//! One artifact for each student of a run.

use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use std::path::Path;

/// A point in a run at which every student has an `A`. Each has a name of its own, so that no stage overwrites another's.
pub trait Step<A>: Send + Sync + 'static {
    /// The name of all students' artifacts together, unique in a pipeline.
    const NAME: &'static str;
}

/// One artifact for each student, as it is at step `S` of a run, under the students' names and in the order of the config.
#[derive(Debug)]
pub struct PerStudent<A, S> {
    students: Vec<(String, A)>,
    step: PhantomData<fn() -> S>,
}

impl<A, S> PerStudent<A, S> {
    /// The students' artifacts, by their names.
    pub fn new(students: Vec<(String, A)>) -> Self {
        Self { students, step: PhantomData }
    }

    /// The student of that name.
    pub fn get(&self, name: &str) -> Option<&A> {
        self.iter().find(|(student, _)| *student == name).map(|(_, part)| part)
    }

    /// Every student's name and artifact.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &A)> {
        self.students.iter().map(|(name, part)| (name.as_str(), part))
    }
}

const FORMAT: u32 = 1;
const LIST: &str = "students.json";

#[derive(Serialize, Deserialize)]
struct List {
    format: u32,
    students: Vec<String>,
}

impl<A: Artifact, S: Step<A>> Artifact for PerStudent<A, S> {
    const NAME: &'static str = S::NAME;

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        for (name, part) in self.iter() {
            let folder = folder.join(name);
            files::create_empty_folder(&folder)?;
            part.save(&folder)?;
        }
        let list = List { format: FORMAT, students: self.iter().map(|(name, _)| name.to_owned()).collect() };
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
        list.students.into_iter().map(part).collect::<Result<_, _>>().map(Self::new)
    }
}
