//! A run whose network trains on a GPU.
#![cfg(feature = "gpu")]

use kanrl_core::approximator::FunctionApproximator;
use kanrl_core::config::ApproximatorConfig;
use kanrl_core::environment::EnvironmentRegistry;
use kanrl_core::kan::KanConfig;
use kanrl_pipeline::config::{MergedConfig, RawConfig};
use kanrl_pipeline::run::{PreparedRun, RunFile, RunStore};
use kanrl_pipeline::stages;
use std::path::{Path, PathBuf};

fn run(device: &str, folder: &Path) -> Result<Vec<u8>, String> {
    let text = format!(
        "environment.id = 'CartPole-v1'
         collect = {{ train_episodes = 3, validation_episodes = 1 }}
         students = {{ widths = [[]], rivals = false }}
         approximator = {{ steps = 3, optimizer = 'lbfgs', precision = 'f32', device = '{device}' }}
         dagger.rounds = 0
         polish.enabled = false
         select.episodes = 5
         evaluate = {{ episodes = 5, robustness_episodes = 0 }}
         record.videos = false"
    );
    let mut environments = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut environments).unwrap();
    let config = MergedConfig::new(RawConfig::from_toml("gpu", &text).unwrap()).resolve().unwrap();
    let run = PreparedRun::new(config, environments, stages::standard()).unwrap();
    run.open(folder).unwrap().execute().map_err(|error| kanrl_pipeline::causes::in_words(&error))?;
    let mut found = Vec::new();
    weights(&folder.join("stages/fit"), &mut found);
    assert_eq!(found.len(), 1, "one network: {found:?}");
    Ok(std::fs::read(&found[0]).unwrap())
}

/// Files of weights below a folder.
fn weights(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            weights(&path, found);
        } else if path.file_name().is_some_and(|name| name == "model.safetensors") {
            found.push(path);
        }
    }
}

#[test]
fn cart_pole_trained_on_the_device_is_a_run_like_any_other() {
    if let Err(reason) = kanrl_wgpu::Gpu::shared() {
        println!("skipped: no wgpu adapter ({reason})");
        let folder = tempfile::tempdir().unwrap();
        let error = run("gpu", &folder.path().join("run")).expect_err("there is no device");
        assert!(error.contains("no wgpu adapter"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let on = |device: &str| {
        let path = folder.path().join(device);
        let weights = run(device, &path).unwrap();
        let store = RunStore::open(&path).unwrap();
        assert!(store.has(RunFile::Formula));
        (KanConfig::default().load(&weights).unwrap(), store.read_text(RunFile::Log).unwrap())
    };
    let (on_device, log) = on("gpu");
    assert!(log.contains("trained on "), "{log}");
    let (on_cpu, _) = on("cpu");
    let inputs: Vec<f64> = (0..400).map(|index| 0.1 * f64::from((index * 37) % 21 - 10) / 10.0).collect();
    let predict = |kan: &dyn FunctionApproximator| {
        let mut outputs = vec![0.0; 100 * kan.outputs()];
        kan.predict(&inputs, &mut outputs);
        outputs
    };
    let (found, wanted) = (predict(on_device.as_ref()), predict(on_cpu.as_ref()));
    let size = wanted.iter().fold(0.0, |size: f64, value| size.max(value.abs()));
    for (found, wanted) in found.iter().zip(&wanted) {
        assert!((found - wanted).abs() < 0.05 * size, "{found} against {wanted}");
    }
    let (automatic, log) = on("auto");
    assert!(log.contains("trained on the CPU: "), "{log}");
    assert_eq!(predict(automatic.as_ref()), wanted);
}
