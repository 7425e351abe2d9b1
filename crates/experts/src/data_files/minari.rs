//! Where a data set of Minari's lies.

use crate::ExpertError;
use std::path::{Path, PathBuf};

/// What stands before the name of a data set.
const PREFIX: &str = "minari:";
/// Where Minari keeps data sets, below the user's home, unless `$MINARI_DATASETS_PATH` names another folder.
const FOLDER: &str = ".minari/datasets";
/// Files of a data set, and what Minari says about it.
const NUMBERS: &str = "data/main_data.hdf5";
const METADATA: &str = "data/metadata.json";

/// The file of numbers that `name` stands for: `minari:DATASET` is a data set of Minari's by its folder or its id
/// (`minari:D4RL/pointmaze/umaze-v2`), which is looked for where Minari keeps them; anything else is a file's path.
///
/// # Errors
/// [`ExpertError::Malformed`] for a data set that is not there, or has other files than HDF5.
pub fn dataset_file(name: &str) -> Result<PathBuf, ExpertError> {
    let Some(id) = name.strip_prefix(PREFIX) else { return Ok(name.into()) };
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("MINARI_DATASETS_PATH").or_else(|| set("HOME").map(|home| home.join(FOLDER)));
    let mut places = vec![PathBuf::from(id)];
    places.extend(folder.map(|folder| folder.join(id)));
    for place in &places {
        if place.is_file() {
            return Ok(place.clone());
        }
        if place.join(NUMBERS).is_file() {
            return Ok(place.join(NUMBERS));
        }
        if place.join(METADATA).is_file() {
            let reason =
                "holds no HDF5 file, so Minari has stored it in another format; create it with `data_format=\"hdf5\"`";
            return Err(ExpertError::malformed(name, reason));
        }
    }
    let looked: Vec<String> = places.iter().map(|place| shown(&place.join(NUMBERS))).collect();
    let reason = format!("is not there: looked for {}; `minari download` fetches it", looked.join(" and "));
    Err(ExpertError::malformed(name, reason))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
