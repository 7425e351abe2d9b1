//! Networks as safetensors files.

use super::config::KanConfig;
use super::network::{Layer, Network};
use crate::fit::ApproximatorError;
use crate::model_file::{self, ModelFile, Tensor};

const FORMAT: &str = "kanrl-kan";

/// What a file holds.
pub(super) struct Contents {
    pub config: KanConfig,
    pub network: Network,
    /// Mean and 1 / deviation of each input.
    pub standardization: Vec<(f64, f64)>,
}

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

/// The file of a network: pykan's tensors under pykan's names, the standardization as `input/shift` and `input/scale`,
/// and the configuration as JSON in the metadata.
pub(super) fn write(config: &KanConfig, network: &Network, standardization: &[(f64, f64)]) -> Vec<u8> {
    let (shift, scale): (Vec<f64>, Vec<f64>) = standardization.iter().copied().unzip();
    let mut data: Vec<Tensor<'_>> = vec![
        ("input/shift".to_owned(), vec![shift.len()], &shift),
        ("input/scale".to_owned(), vec![scale.len()], &scale),
    ];
    let counts = [("inputs", network.inputs()), ("outputs", network.outputs())];
    let mut network = network.clone();
    for (index, layer) in network.layers.iter_mut().enumerate() {
        data.extend(tensors(index, layer).map(|(name, shape, values)| (name, shape, values.as_slice())));
    }
    model_file::write(FORMAT, config, counts, &data)
}

/// Reads what [`write`] wrote; checks format, version, configuration, shapes and finiteness.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, ApproximatorError> {
    let bad = |reason: String| ApproximatorError::BadModel { reason };
    let file = ModelFile::open(bytes, FORMAT)?;
    let config: KanConfig = file.config()?;
    if let Some(problem) = config.problem() {
        return Err(bad(format!("its configuration: {problem}")));
    }
    let (inputs, outputs) = (file.count("inputs")?, file.count("outputs")?);
    let shift = file.values("input/shift", &[inputs])?;
    let scale = file.values("input/scale", &[inputs])?;
    let mut layers = Vec::new();
    for (index, shape) in config.shapes(inputs, outputs).iter().enumerate() {
        let mut layer = Layer::empty(shape);
        for (name, shape, tensor) in tensors(index, &mut layer) {
            *tensor = file.values(&name, &shape)?;
        }
        let sorted = |knots: &[f64]| knots.windows(2).all(|pair| pair[0] <= pair[1]);
        if !(0..layer.inputs).all(|input| sorted(layer.knots_of(input))) {
            return Err(bad(format!("the knots of layer {index} are not in order")));
        }
        layers.push(layer);
    }
    Ok(Contents { config, network: Network { layers }, standardization: shift.into_iter().zip(scale).collect() })
}
