//! Training against pykan's curves.

use kan_core::approximator::{FitTask, Loss, Samples};
use kan_core::config::ApproximatorConfig;
use kan_core::kan::KanConfig;
use reference_data::Tensors;
use std::ops::ControlFlow;

#[test]
fn training_reaches_pykans_loss() {
    for file in reference_data::files("kan", "json").iter().filter(|file| file.ends_with("fit.json")) {
        let tensors = Tensors::read(&file.with_extension("safetensors"));
        for case in reference_data::read_json(file)["cases"].as_array().expect("cases") {
            if case["opt"] != "LBFGS" || case["lamb"].as_f64() != Some(0.0) || case["update_grid"] != true {
                continue;
            }
            let toy = case["toy"].as_str().expect("a name");
            let width: Vec<usize> = reference_data::numbers(&case["width"]).into_iter().map(|w| w as usize).collect();
            let config = KanConfig {
                hidden: width[1..width.len() - 1].to_vec(),
                grid: case["grid"].as_u64().expect("a grid") as usize,
                steps: case["steps"].as_u64().expect("steps") as usize,
                ..KanConfig::default()
            };
            let get = |part: &str| tensors.values(&format!("{toy}/data/{part}"));
            let weights = vec![1.0; get("train_label").len()];
            let train = Samples { inputs: get("train_input"), targets: get("train_label"), weights: &weights };
            let mut losses: Vec<f64> = (0..5)
                .map(|seed| {
                    let mut kan = config.build(width[0], width[width.len() - 1], seed).expect("a sound config");
                    let task = FitTask { train, validation: None, loss: &Loss::MeanSquared };
                    let report = kan.fit(task, &mut |_| ControlFlow::Continue(())).expect("sound data");
                    report.train_loss.sqrt()
                })
                .collect();
            losses.sort_by(f64::total_cmp);
            let pykan = reference_data::numbers(&case["train_rmse"]);
            let last = pykan[pykan.len() - 1];
            println!("{toy}: {losses:?}, pykan {last}");
            // Where both find the best curve there is, the inputs' standardisation still changes the base function.
            assert!(losses[2] <= 1.001 * last, "{toy}: the median of {losses:?} is above pykan's {last}");
        }
    }
}
