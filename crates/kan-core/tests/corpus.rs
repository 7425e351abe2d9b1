//! Replays the fuzz target's corpus of model files: what is read computes and is written again the same, and nothing
//! panics.

use kanrl_core::baselines::{LinearConfig, MlpConfig};
use kanrl_core::config::ApproximatorConfig;
use kanrl_core::function::{FittedFunction, SampledCurve, SymbolicLibrary, UnivariateFunction};
use kanrl_core::graph::UnivariateGraph;
use kanrl_core::kan::{KanConfig, Network};
use std::path::Path;
use std::sync::Arc;

/// Knows nothing but `x`, which graphs know without it.
#[derive(Debug)]
struct Empty;

impl SymbolicLibrary for Empty {
    fn functions(&self) -> &[Arc<dyn UnivariateFunction>] {
        &[]
    }

    fn candidates(&self, _: &SampledCurve) -> Vec<FittedFunction> {
        Vec::new()
    }
}

#[test]
fn the_corpus_reads_the_same_or_not_at_all() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/model_file");
    let kinds: [&dyn ApproximatorConfig; 3] = [&KanConfig::default(), &LinearConfig::default(), &MlpConfig::default()];
    let mut read = 0;
    for entry in std::fs::read_dir(&folder).expect("the committed corpus") {
        let bytes = std::fs::read(entry.expect("a readable folder").path()).expect("a readable file");
        for kind in kinds {
            let Ok(model) = kind.load(&bytes) else { continue };
            read += 1;
            let mut outputs = vec![0.0; model.outputs()];
            model.predict(&vec![0.5; model.inputs()], &mut outputs);
            assert_eq!(kind.load(&model.save()).expect("what was saved").save(), model.save());
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { continue };
        let Ok(graph) = UnivariateGraph::from_json(text, &Empty) else { continue };
        read += 1;
        graph.evaluate(&vec![0.5; graph.inputs.len()], &mut vec![0.0; graph.outputs.len()]);
        let written = graph.to_json();
        assert_eq!(UnivariateGraph::from_json(&written, &Empty).expect("what was written").to_json(), written);
        let _ = Network::from_graph(&graph);
    }
    assert!(read >= 5, "{read} of the corpus could be read");
}
