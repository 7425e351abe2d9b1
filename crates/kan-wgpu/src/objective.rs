//! A network's loss as a function of what is trained, on the device.

use crate::batch::DeviceBatch;
use crate::error::GpuError;
use crate::gpu::{Dispatch, Gpu, groups};
use crate::network::DeviceNetwork;
use crate::passes::{DeviceLoss, Outcome, Passes};
use crate::vector::DeviceVector;
use kanrl_core::approximator::{ApproximatorError, Loss};
use kanrl_core::kan::{CurvedMethod, Network, Regularization, TrainingObjective};
use kanrl_core::optimize::Objective;
use std::sync::Arc;

/// As [`NetworkObjective`](kanrl_core::kan::NetworkObjective): the same numbers in the same order, computed in f32.
pub struct DeviceObjective<'a> {
    gpu: Arc<Gpu>,
    network: &'a mut Network,
    device: DeviceNetwork,
    loss: DeviceLoss,
    outcome: Outcome,
    batch: &'a DeviceBatch,
    passes: Option<Passes>,
}

/// The loss's derivatives by everything that a network has, as the kernels have them.
pub struct Derivatives {
    /// By what is trained.
    pub trained: Vec<f64>,
    /// By scale and bias of each layer's subnodes and then products; a sum's two affines are one.
    pub affines: Vec<Vec<[f64; 2]>>,
    /// By the network's inputs, `[rows, inputs]`, rows up to whole workgroups.
    pub inputs: Vec<f64>,
}

impl<'a> DeviceObjective<'a> {
    /// Moves `network` to the device and prepares the kernels for `batch`.
    ///
    /// # Errors
    /// [`ApproximatorError::Unsupported`] for a network with named functions in place of curves,
    /// [`ApproximatorError::Device`] where the device has no room for it or fails.
    pub fn new(
        gpu: &Arc<Gpu>,
        network: &'a mut Network,
        batch: &'a DeviceBatch,
        loss: &Loss,
    ) -> Result<Self, ApproximatorError> {
        let device = DeviceNetwork::new(gpu, network)?;
        let loss = DeviceLoss::new(gpu, loss, network.outputs())?;
        let outcome = Outcome::new(gpu, &device)?;
        let passes = Passes::new(gpu, &device, &loss, &outcome, batch, false)?;
        Ok(Self { gpu: Arc::clone(gpu), network, device, loss, outcome, batch, passes: Some(passes) })
    }

    /// Derivatives by everything; slower than [`Objective::evaluate`].
    ///
    /// # Errors
    /// [`GpuError`] where the device fails.
    pub fn derivatives(&mut self, x: &DeviceVector) -> Result<Derivatives, GpuError> {
        let passes = Passes::new(&self.gpu, &self.device, &self.loss, &self.outcome, self.batch, true)?;
        let gradient = DeviceVector::new(&self.gpu, &vec![0.0; self.device.trained.len()])?;
        let mut all = vec![self.load(x)?];
        all.extend(passes.everything);
        all.push(self.chain(&gradient)?);
        self.gpu.run(&all);
        let pairs = |numbers: Vec<f32>| numbers.chunks_exact(2).map(|pair| [pair[0].into(), pair[1].into()]).collect();
        let affine = |(buffer, columns): (&wgpu::Buffer, usize)| Ok(pairs(self.gpu.read(buffer, 2 * columns)?));
        let columns = self.device.layers.iter().map(|layer| layer.columns);
        let width = self.network.inputs();
        let mut inputs = Vec::new();
        for ((buffer, stride), rows) in passes.input_gradients.iter().zip(&passes.chunks) {
            let values = self.gpu.read(buffer, width * stride)?;
            inputs.extend(
                (0..*rows)
                    .flat_map(|row| (0..width).map(move |input| (row, input)))
                    .map(|(row, input)| f64::from(values[input * stride + row])),
            );
        }
        Ok(Derivatives {
            trained: gradient.to_vec()?,
            affines: self.outcome.affines.iter().zip(columns).map(affine).collect::<Result<_, GpuError>>()?,
            inputs,
        })
    }

    fn between(&self, back: bool, given: &wgpu::Buffer, made: &wgpu::Buffer) -> Result<Dispatch, GpuError> {
        let pipeline = self.gpu.pipeline("trained numbers", include_str!("shaders/trained.wgsl").to_owned())?;
        let count = self.device.trained.len();
        let uniform = [count as u32, u32::from(back), 0, 0];
        let buffers = [&self.device.places, &self.device.factors, given, made];
        Ok(self.gpu.dispatch(&pipeline, &uniform, &buffers, groups(count)))
    }

    /// From what is trained to the parameters.
    fn load(&self, x: &DeviceVector) -> Result<Dispatch, GpuError> {
        self.between(false, &x.buffer, &self.device.parameters)
    }

    /// From the parameters' derivatives to those of what is trained.
    fn chain(&self, gradient: &DeviceVector) -> Result<Dispatch, GpuError> {
        self.between(true, &self.outcome.gradient, &gradient.buffer)
    }

    fn attempt(&self, x: &DeviceVector, passes: &Passes, gradient: Option<&DeviceVector>) -> Result<f64, GpuError> {
        self.gpu.check()?;
        let mut all = vec![self.load(x)?];
        match gradient {
            Some(gradient) => {
                all.extend(passes.gradient.iter().cloned());
                all.push(self.chain(gradient)?);
            }
            None => all.extend(passes.value.iter().cloned()),
        }
        all.extend(passes.sum.iter().cloned());
        Ok(passes.share * self.gpu.reduce(&all))
    }

    fn computed(&self, x: &DeviceVector, passes: &Passes, gradient: Option<&DeviceVector>) -> f64 {
        self.attempt(x, passes, gradient).unwrap_or_else(|error| {
            self.gpu.fail(error);
            f64::NAN
        })
    }

    fn on_own_batch(&mut self, x: &DeviceVector, gradient: Option<&DeviceVector>) -> f64 {
        self.passes.as_ref().map_or(f64::NAN, |passes| self.computed(x, passes, gradient))
    }
}

impl Objective<DeviceVector> for DeviceObjective<'_> {
    fn dimension(&self) -> usize {
        self.device.trained.len()
    }

    fn evaluate(&mut self, x: &DeviceVector, gradient: &mut DeviceVector) -> f64 {
        self.on_own_batch(x, Some(gradient))
    }
}

impl TrainingObjective for DeviceObjective<'_> {
    type Vector = DeviceVector;
    type Batch = DeviceBatch;
    type Workspace = Passes;
    const IS_CURVED: bool = false;

    fn start(&self) -> Result<DeviceVector, ApproximatorError> {
        let value = |trained: &crate::network::Trained| {
            let layer = &self.network.layers[trained.layer];
            if trained.is_base { layer.scale_base[trained.index] } else { layer.coefficients[trained.index] }
        };
        let values: Vec<f64> = self.device.trained.iter().map(value).collect();
        Ok(DeviceVector::new(&self.gpu, &values)?)
    }

    fn set_regularization(&mut self, lambda: f64, _: Regularization) -> Result<(), ApproximatorError> {
        if lambda == 0.0 { Ok(()) } else { Err(unsupported("regularization (lambda above 0)")) }
    }

    fn network_at(&mut self, x: &DeviceVector) -> Result<&Network, ApproximatorError> {
        for (trained, value) in self.device.trained.iter().zip(x.to_vec()?) {
            let layer = &mut self.network.layers[trained.layer];
            let own = if trained.is_base { &mut layer.scale_base } else { &mut layer.coefficients };
            own[trained.index] = value;
        }
        Ok(self.network)
    }

    fn train_loss(&mut self, x: &DeviceVector) -> f64 {
        self.on_own_batch(x, None)
    }

    fn workspace(&self, batch: &DeviceBatch) -> Result<Passes, ApproximatorError> {
        Ok(Passes::new(&self.gpu, &self.device, &self.loss, &self.outcome, batch, false)?)
    }

    fn loss_on(&mut self, x: &DeviceVector, _: &DeviceBatch, passes: &mut Passes) -> f64 {
        self.computed(x, passes, None)
    }

    fn evaluate_on(
        &mut self,
        x: &DeviceVector,
        _: &DeviceBatch,
        passes: &mut Passes,
        gradient: &mut DeviceVector,
    ) -> f64 {
        self.computed(x, passes, Some(gradient))
    }

    fn check(&self) -> Result<(), ApproximatorError> {
        Ok(self.gpu.check()?)
    }

    fn levenberg_marquardt(&mut self, _: f64) -> Result<Box<dyn CurvedMethod<Self>>, ApproximatorError> {
        Err(unsupported("optimizer = \"levenberg_marquardt\""))
    }
}

/// Something that only the CPU computes.
pub(crate) fn unsupported(what: &str) -> ApproximatorError {
    ApproximatorError::Unsupported { reason: format!("{what} is only supported on the CPU: use device = \"cpu\"") }
}
