use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use std::path::Path;

/// The expert's video as an MP4 file, where the environment can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpertVideo(pub Option<Vec<u8>>);

/// The formula's video as an MP4 file, where the environment can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct FormulaVideo(pub Option<Vec<u8>>);

impl Artifact for ExpertVideo {
    const NAME: &'static str = "expert_video";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        save(self.0.as_deref(), folder)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        load(folder).map(Self)
    }
}

impl Artifact for FormulaVideo {
    const NAME: &'static str = "formula_video";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        save(self.0.as_deref(), folder)
    }

    fn load(folder: &Path, _context: &LoadContext) -> Result<Self, ArtifactError> {
        load(folder).map(Self)
    }
}

fn save(video: Option<&[u8]>, folder: &Path) -> Result<(), ArtifactError> {
    video.map_or(Ok(()), |bytes| Ok(files::write(&folder.join("video.mp4"), bytes)?))
}

fn load(folder: &Path) -> Result<Option<Vec<u8>>, ArtifactError> {
    let path = folder.join("video.mp4");
    if path.is_file() { Ok(Some(std::fs::read(path)?)) } else { Ok(None) }
}
