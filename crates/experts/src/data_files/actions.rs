//! Actions as files.

use super::npy;
use crate::ExpertError;
use kanrl_core::action::ActionBatch;
use kanrl_core::space::ActionSpace;
use safetensors::tensor::{Dtype, TensorView};
use std::borrow::Cow;
use std::path::Path;

/// What actions are written as, one a row.
///
/// | file | discrete actions | vector actions |
/// |---|---|---|
/// | `.npy` | int64 `[rows]` | float32 `[rows, size]` |
/// | `.safetensors` | `actions` I64 `[rows]` | `actions` F32 `[rows, size]` |
/// | `.csv` | column `action`: numbers, or a log's labels | columns `action_NAME` |
///
/// These are the names that a [log](super) has for them.
///
/// ```
/// use kanrl_experts::data_files::ActionsFormat;
/// use kanrl_core::action::ActionBatch;
/// use kanrl_core::space::{ActionSpace, DiscreteSpace};
///
/// let space = ActionSpace::Discrete(DiscreteSpace::new(["push left", "push right"]));
/// let format = ActionsFormat::from_path("actions.csv".as_ref())?;
/// assert_eq!(format.encode(&ActionBatch::Discrete(vec![1, 0]), &space), b"action\n1\n0\n");
/// # Ok::<(), kanrl_experts::ExpertError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionsFormat {
    /// NumPy's `.npy`.
    Npy,
    /// `.safetensors`.
    Safetensors,
    /// `.csv`, with a header.
    Csv,
}

impl ActionsFormat {
    /// The format that a file's name asks for.
    ///
    /// # Errors
    /// [`ExpertError::Malformed`] for any other name.
    pub fn from_path(path: &Path) -> Result<Self, ExpertError> {
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
        match extension.as_deref() {
            Some("npy") => Ok(Self::Npy),
            Some("safetensors") => Ok(Self::Safetensors),
            Some("csv") => Ok(Self::Csv),
            _ => {
                let reason = "is not a supported file of actions; expected .npy, .safetensors, or .csv";
                Err(ExpertError::malformed(&path.display().to_string(), reason))
            }
        }
    }

    /// The file's content; `space` names the columns of a table.
    pub fn encode(self, actions: &ActionBatch, space: &ActionSpace) -> Vec<u8> {
        self.encode_labeled(actions, space, &[])
    }

    /// As [`Self::encode`], with what each discrete action is called in a table; other files hold numbers.
    pub fn encode_labeled(self, actions: &ActionBatch, space: &ActionSpace, labels: &[String]) -> Vec<u8> {
        if self == Self::Csv {
            return csv(actions, space, labels).into_bytes();
        }
        let (dtype, descr, shape, data): (Dtype, &str, Vec<usize>, Vec<u8>) = match actions {
            ActionBatch::Discrete(actions) => {
                let data = actions.iter().flat_map(|action| (*action as i64).to_le_bytes()).collect();
                (Dtype::I64, "<i8", vec![actions.len()], data)
            }
            ActionBatch::Continuous { values, size } => {
                let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                (Dtype::F32, "<f4", vec![actions.rows(), *size], data)
            }
        };
        if self == Self::Npy {
            return npy::write(descr, &shape, &data);
        }
        let view = TensorView::new(dtype, shape, &data).expect("as many bytes as the shape says");
        safetensors::serialize([("actions", view)], None).expect("one valid tensor")
    }
}

/// A text as a cell of a table.
fn cell(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

fn csv(actions: &ActionBatch, space: &ActionSpace, labels: &[String]) -> String {
    let mut text = String::new();
    match actions {
        ActionBatch::Discrete(actions) => {
            text += "action\n";
            for action in actions {
                match labels.get(*action) {
                    Some(label) => text.push_str(&cell(label)),
                    None => text.push_str(&action.to_string()),
                }
                text.push('\n');
            }
        }
        ActionBatch::Continuous { values, size } => {
            // `a_0` is what an action without a name is called: its column is `action_0`.
            let column = |name: &String| format!("action_{}", name.strip_prefix("a_").unwrap_or(name));
            text += &space.output_names().iter().map(column).collect::<Vec<String>>().join(",");
            text.push('\n');
            for row in values.chunks_exact(*size) {
                text += &row.iter().map(f32::to_string).collect::<Vec<String>>().join(",");
                text.push('\n');
            }
        }
    }
    text
}
