//! Pruning decisions.

use crate::model::{assert_close, read};
use kanrl_core::approximator::ApproximatorError;
use kanrl_core::graph::PruneThresholds;
use kanrl_reference_data::{Tensors, number, numbers};

#[test]
fn pruning_is_pykans() {
    for file in kanrl_reference_data::files("kan", "json").iter().filter(|file| file.ends_with("prune.json")) {
        let tensors = Tensors::read(&file.with_extension("safetensors"));
        for case in kanrl_reference_data::read_json(file)["cases"].as_array().expect("cases") {
            let name = case["name"].as_str().expect("a name");
            let get = |part: &str| tensors.values(&format!("{name}/{part}"));
            let graph = read(&tensors, &format!("{name}/model"), case).graph();
            let before = graph.clone();
            for prune in case["prunes"].as_array().expect("prunes") {
                let thresholds = PruneThresholds {
                    node: number(&prune["node_th"]),
                    edge: number(&prune["edge_th"]),
                    ..PruneThresholds::default()
                };
                let prefix = prune["tensors"].as_str().expect("a prefix");
                let masks = prune["masks_after"].as_array().expect("masks");
                let last = masks.last().expect("a layer").as_array().expect("rows");
                let columns = last[0].as_array().expect("a row").len();
                let cut = (0..columns).any(|column| last.iter().all(|row| number(&row[column]) == 0.0));
                match graph.prune(get("x"), &thresholds) {
                    Err(ApproximatorError::Disconnected { .. }) => assert!(cut, "{prefix} was refused"),
                    Err(error) => panic!("{prefix}: {error}"),
                    Ok(pruned) => {
                        assert!(!cut, "{prefix} should have been refused");
                        let wanted = tensors.get(&format!("{prefix}/y"));
                        let mut outputs = vec![0.0; wanted.values.len()];
                        pruned.evaluate(get("x"), &mut outputs);
                        assert_close(prefix, &outputs, &wanted.values, 1e-10);
                        let kept: f64 = masks.iter().flat_map(numbers).sum();
                        assert!(pruned.edges.len() as f64 <= kept, "{prefix}: {} edges of {kept}", pruned.edges.len());
                    }
                }
            }
            assert_eq!(graph.parameters(), before.parameters(), "pruning changed the original");
            let thresholds =
                PruneThresholds { node: -1.0, edge: -1.0, input: number(&case["prune_input"]["threshold"]) };
            let pruned = graph.prune(get("x"), &thresholds).expect("an input is left");
            let kept: Vec<f64> = pruned.used_inputs().into_iter().map(|input| input as f64).collect();
            assert_eq!(kept, numbers(&case["prune_input"]["input_id"]), "{name}: inputs");
            let mut outputs = vec![0.0; get("prune_input/y").len()];
            pruned.evaluate(get("x"), &mut outputs);
            assert_close(&format!("{name} without inputs"), &outputs, get("prune_input/y"), 1e-10);
        }
    }
}
