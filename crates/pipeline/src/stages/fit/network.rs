use crate::engine::{Artifact, ArtifactError, LoadContext};
use crate::files;
use kanrl_core::function::{FittedFunction, SampledCurve, SymbolicLibrary, UnivariateFunction};
use kanrl_core::graph::{GraphFile, UnivariateGraph};
use kanrl_symbolic::library::LibraryFunction;
use std::path::Path;
use std::sync::Arc;

/// A student's network.
#[derive(Clone, Debug)]
pub struct Network(pub UnivariateGraph);

impl Artifact for Network {
    const NAME: &'static str = "network";

    fn save(&self, folder: &Path) -> Result<(), ArtifactError> {
        Ok(files::write_json(&folder.join("network.json"), &GraphFile::from(&self.0))?)
    }

    fn load(folder: &Path, context: &LoadContext) -> Result<Self, ArtifactError> {
        let bytes = std::fs::read(folder.join("network.json"))?;
        let file: GraphFile = serde_json::from_slice(&bytes).map_err(ArtifactError::damaged)?;
        file.graph(&Spelled(context.library.as_ref())).map(Self).map_err(ArtifactError::damaged)
    }
}

/// A library, and every function that is named by what it computes.
#[derive(Debug)]
struct Spelled<'a>(&'a dyn SymbolicLibrary);

impl SymbolicLibrary for Spelled<'_> {
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
        self.0.functions()
    }

    fn function(&self, name: &str) -> Option<Arc<dyn UnivariateFunction>> {
        /// pykan's scale: as hard to read as can be.
        const COMPLEXITY: f64 = 5.0;
        let spelled =
            || Some(Arc::new(LibraryFunction::spelled(name, COMPLEXITY).ok()?) as Arc<dyn UnivariateFunction>);
        self.0.function(name).or_else(spelled)
    }

    fn candidates(&self, curve: &SampledCurve) -> Vec<FittedFunction> {
        self.0.candidates(curve)
    }
}
