//! A device that fails in the middle of a fit: what `device = "gpu"` and `device = "auto"` make of it.

mod common;

use common::Shape;
use kanrl_core::approximator::{ApproximatorError, FitObserver, FitReport, FitTask, FunctionApproximator, Loss};
use kanrl_core::kan::{Device, Kan, KanConfig, Optimizer, Precision, Training, TrainingDevice, register_device};
use kanrl_wgpu::GpuError;
use std::ops::ControlFlow;
use std::sync::Mutex;

/// Trains a step, then fails.
struct Failing(Mutex<Option<GpuError>>);

static DEVICE: Failing = Failing(Mutex::new(None));

impl TrainingDevice for Failing {
    fn name(&self) -> Result<String, ApproximatorError> {
        Ok("a card that fails".to_owned())
    }

    fn objection(&self, _: &Training<'_>) -> Option<String> {
        None
    }

    fn train(&self, training: Training<'_>, _: &mut FitObserver<'_>) -> Result<FitReport, ApproximatorError> {
        // Some steps are taken before it fails, so that what they leave in the network has to be undone.
        training.run(&kanrl_core::kan::Cpu::<f32>::default(), &mut |_| ControlFlow::Break(()))?;
        Err(self.0.lock().unwrap().clone().expect("an error to fail with").into())
    }
}

fn fit(device: Device) -> (Kan, Result<FitReport, ApproximatorError>) {
    let shape = Shape::new(&[3, 2], 200);
    let data = shape.data(200);
    let task = FitTask { train: data.samples(), validation: None, loss: &Loss::MeanSquared };
    let config =
        KanConfig { device, steps: 3, precision: Precision::F32, optimizer: Optimizer::Lbfgs, ..KanConfig::default() };
    let mut kan = Kan::new(config, 3, 2, 7);
    let report = kan.fit(task, &mut |_| ControlFlow::Continue(()));
    (kan, report)
}

#[test]
fn a_device_that_fails_is_an_error_for_gpu_and_the_cpu_for_auto() {
    register_device(&DEVICE);
    let (on_cpu, report) = fit(Device::Cpu);
    assert_eq!(report.expect("sound data").device, None);
    let reason = || "a test".to_owned();
    let errors = [
        GpuError::NoAdapter { reason: reason() },
        GpuError::NoDevice { adapter: "a card".to_owned(), reason: reason() },
        GpuError::DeviceLost { reason: reason() },
        GpuError::OutOfMemory { what: "the samples' inputs", bytes: 1 << 40 },
        GpuError::Limit { what: "the coefficients", needed: 2, limit: 1, unit: "bytes in one buffer" },
        GpuError::Shader { shader: "forward".to_owned(), reason: reason() },
        GpuError::Command { reason: reason() },
    ];
    for error in errors {
        *DEVICE.0.lock().unwrap() = Some(error.clone());
        let failure = fit(Device::Gpu).1.expect_err("it fails");
        let cause = std::error::Error::source(&failure).and_then(|source| source.downcast_ref::<GpuError>());
        assert_eq!(cause, Some(&error), "{failure}");
        let (kan, report) = fit(Device::Auto);
        let said = report.expect("the CPU does it").device.expect("asked for");
        assert!(said.starts_with("trained on the CPU: ") && said.contains(&error.to_string()), "{said}");
        assert_eq!(kan.network().layers[0].coefficients, on_cpu.network().layers[0].coefficients);
    }
}
