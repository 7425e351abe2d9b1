//! A small multilayer perceptron.

mod config;

pub use config::{Activation, MlpConfig};

use crate::approximator::{
    ApproximatorError, FitObserver, FitProgress, FitReport, FitTask, FunctionApproximator, Loss, Samples,
};
use crate::compute::output_gradient;
use crate::graph::UnivariateGraph;
use crate::model_file::{self, ModelFile};
use crate::optimize::Adam;
use crate::standardize::standardization;
use nalgebra::{DMatrix, DMatrixView, DMatrixViewMut};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::{Rng, SeedableRng};

const FORMAT: &str = "kanrl-mlp";

/// A multilayer perceptron with the standardization of its inputs and outputs.
#[derive(Clone, Debug)]
pub struct Mlp {
    config: MlpConfig,
    /// Shift and scale of each input.
    standardization: Vec<(f64, f64)>,
    /// Mean and deviation of each output.
    output_units: Vec<(f64, f64)>,
    /// Of each layer the weights `[inputs, units]` (each input's weights next to each other), then the biases `[units]`.
    parameters: Vec<f64>,
    /// For the start and the order of mini-batches.
    random: Pcg64,
}

/// A layer's place among the parameters.
#[derive(Clone, Copy, Debug)]
struct Place {
    inputs: usize,
    units: usize,
    first: usize,
}

impl Place {
    fn weights(self) -> std::ops::Range<usize> {
        self.first..self.first + self.inputs * self.units
    }

    fn bias(self) -> std::ops::Range<usize> {
        self.weights().end..self.end()
    }

    fn end(self) -> usize {
        self.weights().end + self.units
    }
}

/// What a batch is computed in: one column for each row of samples.
struct Workspace {
    /// The inputs, then what every layer gives: `[units, rows]`.
    values: Vec<DMatrix<f64>>,
    /// The loss's derivatives by them.
    gradients: Vec<DMatrix<f64>>,
    /// Values turned over: `[rows, units]`.
    transposed: Vec<DMatrix<f64>>,
}

impl Workspace {
    fn new(mlp: &Mlp, rows: usize) -> Self {
        let widths: Vec<usize> = std::iter::once(mlp.inputs()).chain(mlp.places().map(|place| place.units)).collect();
        let columns = || widths.iter().map(|width| DMatrix::zeros(*width, rows)).collect();
        let transposed = widths.iter().map(|width| DMatrix::zeros(rows, *width)).collect();
        Self { values: columns(), gradients: columns(), transposed }
    }

    fn outputs(&self, count: usize) -> &[f64] {
        let outputs = &self.values[self.values.len() - 1];
        &outputs.as_slice()[..count * outputs.nrows()]
    }
}

impl Mlp {
    /// An unfitted network: weights uniform in ±√(6 / (inputs + units)) (Glorot and Bengio, 2010), biases 0.
    pub fn new(config: MlpConfig, inputs: usize, outputs: usize, seed: u64) -> Self {
        let mut mlp = Self::empty(config, inputs, outputs);
        mlp.random = Pcg64::seed_from_u64(seed);
        for place in mlp.places().collect::<Vec<_>>() {
            let bound = (6.0 / (place.inputs + place.units) as f64).sqrt();
            for weight in &mut mlp.parameters[place.weights()] {
                *weight = bound * ((mlp.random.next_u64() >> 11) as f64 / (1u64 << 52) as f64 - 1.0);
            }
        }
        mlp
    }

    fn empty(config: MlpConfig, inputs: usize, outputs: usize) -> Self {
        let mut mlp = Self {
            config,
            standardization: vec![(0.0, 1.0); inputs],
            output_units: vec![(0.0, 1.0); outputs],
            parameters: Vec::new(),
            random: Pcg64::seed_from_u64(0),
        };
        let count = mlp.places().last().map_or(0, Place::end);
        mlp.parameters = vec![0.0; count];
        mlp
    }

    fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let (hidden, outputs) = (self.config.hidden.clone(), self.output_units.len());
        let mut previous = Place { inputs: 0, units: self.standardization.len(), first: 0 };
        let mut first = 0;
        hidden.into_iter().chain([outputs]).map(move |units| {
            previous = Place { inputs: previous.units, units, first };
            first = previous.end();
            previous
        })
    }

    /// Computes the rows `order` of `inputs` `[rows, inputs]`, in the inputs' own units.
    fn forward(&self, inputs: &[f64], order: impl Iterator<Item = usize>, workspace: &mut Workspace) -> usize {
        let width = self.standardization.len();
        let mut count = 0;
        for (row, mut column) in order.zip(workspace.values[0].column_iter_mut()) {
            let row = &inputs[row * width..(row + 1) * width];
            for ((value, x), (shift, scale)) in column.iter_mut().zip(row).zip(&self.standardization) {
                *value = scale * (x - shift);
            }
            count += 1;
        }
        let layers = workspace.values.len() - 1;
        for (index, place) in self.places().enumerate() {
            let (before, after) = workspace.values.split_at_mut(index + 1);
            let weights = DMatrixView::from_slice(&self.parameters[place.weights()], place.units, place.inputs);
            let mut values = after[0].columns_mut(0, count);
            values.gemm(1.0, &weights, &before[index].columns(0, count), 0.0);
            for mut column in values.column_iter_mut() {
                for (value, bias) in column.iter_mut().zip(&self.parameters[place.bias()]) {
                    *value += bias;
                }
            }
            if index + 1 < layers {
                values.apply(|value| *value = self.config.activation.value(*value));
            } else {
                for mut column in values.column_iter_mut() {
                    for (value, (shift, scale)) in column.iter_mut().zip(&self.output_units) {
                        *value = scale * *value + shift;
                    }
                }
            }
        }
        count
    }

    /// From the derivatives by the outputs of `count` rows to those by the parameters.
    fn backward(&self, count: usize, workspace: &mut Workspace, gradient: &mut [f64]) {
        let layers = workspace.values.len() - 1;
        for mut column in workspace.gradients[layers].columns_mut(0, count).column_iter_mut() {
            for (value, (_, scale)) in column.iter_mut().zip(&self.output_units) {
                *value *= scale;
            }
        }
        for (index, place) in self.places().collect::<Vec<_>>().into_iter().enumerate().rev() {
            let (by_inputs, by_units) = workspace.gradients.split_at_mut(index + 1);
            let by_units = by_units[0].columns(0, count);
            let values = workspace.values[index].columns(0, count);
            let mut transposed = workspace.transposed[index].rows_mut(0, count);
            values.transpose_to(&mut transposed);
            DMatrixViewMut::from_slice(&mut gradient[place.weights()], place.units, place.inputs).gemm(
                1.0,
                &by_units,
                &transposed,
                0.0,
            );
            for (unit, sum) in gradient[place.bias()].iter_mut().enumerate() {
                *sum = by_units.row(unit).sum();
            }
            if index > 0 {
                let weights = DMatrixView::from_slice(&self.parameters[place.weights()], place.units, place.inputs);
                let mut back = by_inputs[index].columns_mut(0, count);
                back.gemm_tr(1.0, &weights, &by_units, 0.0);
                let activation = self.config.activation;
                back.zip_apply(&values, |back, value| *back *= activation.derivative_at_value(value));
            }
        }
    }

    fn loss(&self, samples: Samples<'_>, loss: &Loss, workspace: &mut Workspace, outputs: &mut [f64]) -> f64 {
        self.predict_in(samples.inputs, outputs, workspace);
        output_gradient(loss, outputs, samples, None)
    }

    fn predict_in(&self, inputs: &[f64], outputs: &mut [f64], workspace: &mut Workspace) {
        let (width, height) = (self.inputs(), self.outputs());
        let room = workspace.values[0].ncols();
        for (inputs, outputs) in inputs.chunks(room * width).zip(outputs.chunks_mut(room * height)) {
            let count = self.forward(inputs, 0..inputs.len() / width, workspace);
            outputs.copy_from_slice(workspace.outputs(count));
        }
    }

    /// One pass of Adam through the rows in random order.
    fn epoch(&mut self, task: FitTask<'_>, adam: &mut Adam, order: &mut [usize], state: &mut Epoch) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.random.next_u64() % (last as u64 + 1)) as usize);
        }
        let height = self.outputs();
        for rows in order.chunks(self.config.batch_rows) {
            let count = self.forward(task.train.inputs, rows.iter().copied(), &mut state.workspace);
            state.targets.clear();
            state.weights.clear();
            for row in rows {
                state.targets.extend_from_slice(&task.train.targets[row * height..(row + 1) * height]);
                state.weights.push(task.train.weights[*row]);
            }
            if state.weights.iter().all(|weight| *weight == 0.0) {
                continue;
            }
            let samples = Samples { inputs: &[], targets: &state.targets, weights: &state.weights };
            let layers = state.workspace.gradients.len() - 1;
            let back = &mut state.workspace.gradients[layers].as_mut_slice()[..count * height];
            let outputs = &state.workspace.values[layers].as_slice()[..count * height];
            output_gradient(task.loss, outputs, samples, Some(back));
            self.backward(count, &mut state.workspace, &mut state.gradient);
            adam.step(&mut self.parameters[..], &state.gradient[..]);
        }
    }
}

/// What a pass through the rows needs.
struct Epoch {
    workspace: Workspace,
    gradient: Vec<f64>,
    /// Of the batch.
    targets: Vec<f64>,
    weights: Vec<f64>,
}

/// Rows that are predicted at once.
const ROWS: usize = 256;

impl FunctionApproximator for Mlp {
    fn kind(&self) -> &'static str {
        "mlp"
    }

    fn inputs(&self) -> usize {
        self.standardization.len()
    }

    fn outputs(&self) -> usize {
        self.output_units.len()
    }

    fn fit(&mut self, task: FitTask<'_>, observer: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        task.check(self.inputs(), self.outputs())?;
        self.standardization = standardization(task.train.inputs, self.inputs());
        if !matches!(task.loss, Loss::CrossEntropy | Loss::Choice { .. }) {
            let units = standardization(task.train.targets, self.outputs());
            self.output_units = units.into_iter().map(|(mean, scale)| (mean, 1.0 / scale)).collect();
        }
        let rows = task.train.weights.len();
        let mut state = Epoch {
            workspace: Workspace::new(self, self.config.batch_rows.min(rows)),
            gradient: vec![0.0; self.parameters.len()],
            targets: Vec::new(),
            weights: Vec::new(),
        };
        let mut order: Vec<usize> = (0..rows).collect();
        let mut predictions = Workspace::new(self, ROWS);
        let mut outputs = vec![0.0; task.train.targets.len()];
        let mut checked = vec![0.0; task.validation.map_or(0, |samples| samples.targets.len())];
        let mut losses = |mlp: &Self| {
            let train = mlp.loss(task.train, task.loss, &mut predictions, &mut outputs);
            let validation =
                task.validation.map(|samples| mlp.loss(samples, task.loss, &mut predictions, &mut checked));
            (train, validation)
        };
        let mut adam = Adam::new(&self.parameters[..], self.config.learning_rate);
        let (train_loss, validation_loss) = losses(self);
        let mut report = FitReport { steps: 0, train_loss, validation_loss, cancelled: false, device: None };
        let (mut best, mut since_best) = (self.parameters.clone(), 0);
        let steps = self.config.steps;
        for step in 1..=steps {
            let share = (step - 1) as f64 / steps as f64;
            adam.set_rate(0.5 * self.config.learning_rate * (1.0 + (std::f64::consts::PI * share).cos()));
            self.epoch(task, &mut adam, &mut order, &mut state);
            let (train_loss, validation_loss) = losses(self);
            since_best += 1;
            if validation_loss.unwrap_or(train_loss) < report.validation_loss.unwrap_or(report.train_loss) {
                best.copy_from_slice(&self.parameters);
                (report.train_loss, report.validation_loss, since_best) = (train_loss, validation_loss, 0);
            }
            report.steps = step;
            report.cancelled = observer(FitProgress { step, steps, train_loss, validation_loss }).is_break();
            let patience = self.config.patience;
            if report.cancelled || (task.validation.is_some() && patience > 0 && since_best >= patience) {
                break;
            }
        }
        self.parameters = best;
        if !report.train_loss.is_finite() {
            let reason = format!("the loss is {} after {} steps", report.train_loss, report.steps);
            return Err(ApproximatorError::Diverged { reason });
        }
        Ok(report)
    }

    fn predict(&self, inputs: &[f64], outputs: &mut [f64]) {
        assert_eq!(inputs.len() * self.outputs(), outputs.len() * self.inputs(), "different numbers of rows");
        let rows = (inputs.len() / self.inputs()).clamp(1, ROWS);
        self.predict_in(inputs, outputs, &mut Workspace::new(self, rows));
    }

    fn graph(&self, _: Samples<'_>) -> Option<UnivariateGraph> {
        None
    }

    fn save(&self) -> Vec<u8> {
        let (shift, scale): (Vec<f64>, Vec<f64>) = self.standardization.iter().copied().unzip();
        let (mean, deviation): (Vec<f64>, Vec<f64>) = self.output_units.iter().copied().unzip();
        let mut tensors = vec![
            ("input/shift".to_owned(), vec![shift.len()], shift.as_slice()),
            ("input/scale".to_owned(), vec![scale.len()], &scale),
            ("output/mean".to_owned(), vec![mean.len()], &mean),
            ("output/deviation".to_owned(), vec![deviation.len()], &deviation),
        ];
        for (index, place) in self.places().enumerate() {
            let shape = vec![place.inputs, place.units];
            tensors.push((format!("l{index}/weights"), shape, &self.parameters[place.weights()]));
            tensors.push((format!("l{index}/bias"), vec![place.units], &self.parameters[place.bias()]));
        }
        let counts = [("inputs", self.inputs()), ("outputs", self.outputs())];
        model_file::write(FORMAT, &self.config, counts, &tensors)
    }
}

/// Reads what [`Mlp::save`] wrote; checks format, version, configuration, shapes and finiteness.
fn read(bytes: &[u8]) -> Result<Mlp, ApproximatorError> {
    let file = ModelFile::open(bytes, FORMAT)?;
    let config: MlpConfig = file.config()?;
    if let Some(problem) = config.problem() {
        return Err(ApproximatorError::BadModel { reason: format!("its configuration: {problem}") });
    }
    let (inputs, outputs) = (file.count("inputs")?, file.count("outputs")?);
    let widths: Vec<usize> = std::iter::once(inputs).chain(config.hidden.clone()).chain([outputs]).collect();
    let mut parameters = Vec::new();
    for (index, pair) in widths.windows(2).enumerate() {
        // Every tensor is as large as its shape says, so nothing of another size is made.
        parameters.extend(file.values(&format!("l{index}/weights"), pair)?);
        parameters.extend(file.values(&format!("l{index}/bias"), &pair[1..])?);
    }
    let pairs = |first: &str, second: &str, count: usize| -> Result<Vec<(f64, f64)>, ApproximatorError> {
        Ok(file.values(first, &[count])?.into_iter().zip(file.values(second, &[count])?).collect())
    };
    Ok(Mlp {
        standardization: pairs("input/shift", "input/scale", inputs)?,
        output_units: pairs("output/mean", "output/deviation", outputs)?,
        parameters,
        // A seed only matters to a fit from the start.
        random: Pcg64::seed_from_u64(0),
        config,
    })
}
