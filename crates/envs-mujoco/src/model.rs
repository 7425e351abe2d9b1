//! Robots' models: MJCF text compiled once and copied for every environment.

use crate::library;
use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_auxiliary::MjVfs;
use std::sync::OnceLock;

/// A model in MJCF, compiled at its first use. It may include `scene.xml`, which sets the looks.
#[derive(Debug)]
pub struct ModelSource {
    name: &'static str,
    mjcf: &'static str,
    compiled: OnceLock<Result<MjModel, String>>,
}

impl ModelSource {
    /// A model's file name and text.
    pub const fn new(name: &'static str, mjcf: &'static str) -> Self {
        Self { name, mjcf, compiled: OnceLock::new() }
    }

    /// A copy of the compiled model.
    ///
    /// # Errors
    /// Where MuJoCo cannot be loaded or refuses the model.
    pub fn compile(&self) -> Result<MjModel, String> {
        library::load()?;
        let compiled = self.compiled.get_or_init(|| {
            let mut files = MjVfs::new();
            for (name, text) in [("scene.xml", include_str!("models/scene.xml")), (self.name, self.mjcf)] {
                files.add_from_buffer(name, text.as_bytes()).map_err(|error| error.to_string())?;
            }
            MjModel::from_xml_vfs(self.name, &files).map_err(|error| format!("model {}: {error}", self.name))
        });
        compiled.clone()
    }
}
