//! Model files of every approximator, and graphs as JSON: what is read computes and is written again the same.
#![no_main]

use kanrl_core::baselines::{LinearConfig, MlpConfig};
use kanrl_core::config::ApproximatorConfig;
use kanrl_core::graph::UnivariateGraph;
use kanrl_core::kan::{KanConfig, Network};
use libfuzzer_sys::fuzz_target;
use kanrl_symbolic::library::Library;

fuzz_target!(|bytes: &[u8]| {
    let kinds: [&dyn ApproximatorConfig; 3] = [&KanConfig::default(), &LinearConfig::default(), &MlpConfig::default()];
    for kind in kinds {
        if let Ok(model) = kind.load(bytes) {
            let mut outputs = vec![0.0; model.outputs()];
            model.predict(&vec![0.5; model.inputs()], &mut outputs);
            let again = kind.load(&model.save()).expect("what was saved");
            assert_eq!(again.save(), model.save());
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(graph) = UnivariateGraph::from_json(text, &Library::default_ten()) {
        let mut outputs = vec![0.0; graph.outputs.len()];
        graph.evaluate(&vec![0.5; graph.inputs.len()], &mut outputs);
        let written = graph.to_json();
        let again = UnivariateGraph::from_json(&written, &Library::default_ten()).expect("what was written");
        assert_eq!(again.to_json(), written);
        if let Ok(network) = Network::from_graph(&graph) {
            network.graph();
        }
        let _ = kanrl_symbolic::graph_expressions(&graph);
    }
});
