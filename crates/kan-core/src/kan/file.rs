//! Networks as safetensors files.

use super::approximator::{Kan, shapes};
use super::config::KanConfig;
use super::network::{Layer, Network};
use crate::approximator::ApproximatorError;
use crate::model_file::{entries, metadata};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

/// Version of the file layout.
const VERSION: &str = "1";

/// The tensors of a layer with their shapes, in the layout and under the names that the file has them.
fn tensors(index: usize, layer: &mut Layer) -> [(String, Vec<usize>, &mut Vec<f64>); 9] {
    let (inputs, subnodes, nodes, basis) = (layer.inputs, layer.subnodes(), layer.nodes(), layer.basis());
    let knots = layer.grid + 2 * layer.degree + 1;
    let name = |name: &str| format!("l{index}/{name}");
    [
        (name("grid"), vec![inputs, knots], &mut layer.knots),
        (name("coef"), vec![inputs, subnodes, basis], &mut layer.coefficients),
        (name("scale_base"), vec![inputs, subnodes], &mut layer.scale_base),
        (name("scale_sp"), vec![inputs, subnodes], &mut layer.scale_spline),
        (name("mask"), vec![inputs, subnodes], &mut layer.mask),
        (name("subnode_scale"), vec![subnodes], &mut layer.subnode_scale),
        (name("subnode_bias"), vec![subnodes], &mut layer.subnode_bias),
        (name("node_scale"), vec![nodes], &mut layer.node_scale),
        (name("node_bias"), vec![nodes], &mut layer.node_bias),
    ]
}

/// The file of a network: pykan's tensors under pykan's names, the standardisation as `input/shift` and `input/scale`,
/// and the configuration as JSON in the metadata.
pub(super) fn write(kan: &Kan) -> Vec<u8> {
    let bytes = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let mut data: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    let shift: Vec<f64> = kan.standardisation.iter().map(|(shift, _)| *shift).collect();
    let scale: Vec<f64> = kan.standardisation.iter().map(|(_, scale)| *scale).collect();
    data.push(("input/shift".into(), vec![shift.len()], bytes(&shift)));
    data.push(("input/scale".into(), vec![scale.len()], bytes(&scale)));
    let mut network = kan.network.clone();
    for (index, layer) in network.layers.iter_mut().enumerate() {
        for (name, shape, values) in tensors(index, layer) {
            data.push((name, shape, bytes(values)));
        }
    }
    let views = data.iter().map(|(name, shape, bytes)| {
        (name, TensorView::new(Dtype::F64, shape.clone(), bytes).expect("the shape fits the bytes"))
    });
    let metadata = metadata([
        ("format", "kanrl-kan".to_owned()),
        ("version", VERSION.to_owned()),
        ("config", serde_json::to_string(&kan.config).expect("a config is plain data")),
        ("inputs", kan.network.inputs().to_string()),
        ("outputs", kan.network.outputs().to_string()),
    ]);
    safetensors::serialize(views, Some(metadata)).expect("names are unique and shapes fit")
}

/// Reads what [`write`] wrote; checks format, version, configuration, shapes and finiteness.
pub(super) fn read(bytes: &[u8]) -> Result<Kan, ApproximatorError> {
    let bad = |reason: String| ApproximatorError::BadModel { reason };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| bad(error.to_string()))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| bad(error.to_string()))?;
    let metadata = entries(header.metadata().as_ref())?;
    let entry = |name: &str| metadata.get(name).ok_or_else(|| bad(format!("its metadata has no `{name}`")));
    if entry("format")? != "kanrl-kan" {
        return Err(bad(format!("its format is `{}`, not `kanrl-kan`", entry("format")?)));
    }
    if entry("version")? != VERSION {
        return Err(bad(format!("its version is {}, this program reads {VERSION}", entry("version")?)));
    }
    let config: KanConfig =
        serde_json::from_str(entry("config")?).map_err(|error| bad(format!("its configuration: {error}")))?;
    if let Some(problem) = config.problem() {
        return Err(bad(format!("its configuration: {problem}")));
    }
    let count = |name: &str| -> Result<usize, ApproximatorError> {
        // Far above any use, and far below what could exhaust memory before the shapes are compared.
        let count = entry(name)?.parse().ok().filter(|count| (1..=65_536).contains(count));
        count.ok_or_else(|| bad(format!("its number of {name} is no number from 1 to 65536")))
    };
    let (inputs, outputs) = (count("inputs")?, count("outputs")?);
    let values = |name: &str, shape: &[usize]| -> Result<Vec<f64>, ApproximatorError> {
        let view = file.tensor(name).map_err(|_| bad(format!("there is no tensor `{name}`")))?;
        if view.dtype() != Dtype::F64 || view.shape() != shape {
            return Err(bad(format!("`{name}` is {:?} {:?}, not F64 {shape:?}", view.dtype(), view.shape())));
        }
        let read = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("a chunk of 8 bytes"));
        let values: Vec<f64> = view.data().chunks_exact(8).map(read).collect();
        match values.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(bad(format!("`{name}` contains {value}"))),
            None => Ok(values),
        }
    };
    let shift = values("input/shift", &[inputs])?;
    let scale = values("input/scale", &[inputs])?;
    let mut layers = Vec::new();
    for (index, shape) in shapes(&config, inputs, outputs).iter().enumerate() {
        let mut layer = Layer::empty(shape);
        for (name, shape, tensor) in tensors(index, &mut layer) {
            *tensor = values(&name, &shape)?;
        }
        let sorted = |knots: &[f64]| knots.windows(2).all(|pair| pair[0] <= pair[1]);
        if !(0..layer.inputs).all(|input| sorted(layer.knots_of(input))) {
            return Err(bad(format!("the knots of layer {index} are not in order")));
        }
        layers.push(layer);
    }
    let standardisation = shift.into_iter().zip(scale).collect();
    // A seed only matters to a fit from the start.
    Ok(Kan::from_parts(config, Network { layers }, standardisation, 0))
}
