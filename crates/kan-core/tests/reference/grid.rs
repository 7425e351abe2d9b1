//! Grid updates and refinement.

use crate::forward::for_each_case;
use crate::model::{assert_close, read};
use kanrl_core::kan::Network;

fn outputs(network: &Network, inputs: &[f64]) -> Vec<f64> {
    let mut outputs = vec![0.0; inputs.len() / network.inputs() * network.outputs()];
    network.graph().evaluate(inputs, &mut outputs);
    outputs
}

#[test]
fn grid_updates_are_pykans() {
    for_each_case(|name, case, tensors| {
        let suffix = "/l0/grid";
        let updates: Vec<String> = tensors
            .names()
            .filter_map(|name| name.strip_prefix("upd/")?.strip_suffix(suffix).map(str::to_owned))
            .collect();
        for share in updates {
            let mut network = read(tensors, "model", case);
            network.update_grid(tensors.values("upd_x"), share.parse().expect("a number"));
            for (index, layer) in network.layers.iter().enumerate() {
                let what = format!("{name} update {share} of layer {index}");
                let get = |part: &str| tensors.values(&format!("upd/{share}/l{index}/{part}"));
                assert_close(&format!("{what}: knots"), &layer.knots, get("grid"), 1e-10);
                assert_close(&format!("{what}: coefficients"), &layer.coefficients, get("coef"), 1e-10);
            }
            let wanted = tensors.values(&format!("upd/{share}/y"));
            assert_close(
                &format!("{name} after update {share}"),
                &outputs(&network, tensors.values("upd_x")),
                wanted,
                1e-10,
            );
        }
    });
}

#[test]
fn refinement_is_pykans() {
    for_each_case(|name, case, tensors| {
        let Some(grid) = case["refine_new_grid"].as_u64() else { return };
        let before = read(tensors, "refine/before", case);
        let x = tensors.values("refine/x");
        assert_close(&format!("{name} before"), &outputs(&before, x), tensors.values("refine/y_before"), 1e-10);
        let refined = before.refined(grid as usize, x);
        let mut all = true;
        for (index, layer) in refined.layers.iter().enumerate() {
            let get = |part: &str| tensors.values(&format!("refine/model/l{index}/{part}"));
            assert_close(&format!("{name} knots of layer {index}"), &layer.knots, get("grid"), 1e-10);
            let count = layer.subnodes() * layer.basis();
            for input in 0..layer.inputs {
                let full_rank = case["refine_fit_full_rank"][index][input].as_bool() == Some(true);
                all &= full_rank;
                if full_rank {
                    let range = input * count..(input + 1) * count;
                    let what = format!("{name} coefficients of layer {index}, input {input}");
                    assert_close(&what, &layer.coefficients[range.clone()], &get("coef")[range], 1e-10);
                }
            }
        }
        if all {
            assert_close(&format!("{name} after"), &outputs(&refined, x), tensors.values("refine/y_after"), 1e-10);
        }
    });
}
