//! A network expert as C, to measure formulas against: dense layers in floats, weights as constants.

use kanrl_core::policy::Policy;
use kanrl_core::space::ActionSpace;
use kanrl_experts::NetworkPolicy;
use kanrl_experts::network::Activation;
use std::fmt::Write;

fn list(values: impl IntoIterator<Item = f32>) -> String {
    values.into_iter().map(|value| format!("{value:?}f")).collect::<Vec<_>>().join(", ")
}

/// `policy.h` and `policy.c` with `policy_action`; a vector action is not clipped, which is nothing beside the network.
pub fn files(policy: &NetworkPolicy) -> Vec<(String, Vec<u8>)> {
    let (inputs, network) = (policy.observation_size(), policy.network());
    let outputs = network.outputs();
    let is_vector = matches!(policy.action_space(), ActionSpace::Box(_));
    assert!(policy.time_feature().is_none(), "a network without a clock");
    let signature = if is_vector {
        format!("void policy_action(const float observation[{inputs}], float action[{outputs}])")
    } else {
        format!("int policy_action(const float observation[{inputs}])")
    };
    let header = format!(
        "#include <stdint.h>\n#define POLICY_INPUTS {inputs}\n#define POLICY_OUTPUTS {outputs}\n{signature};\n"
    );
    let mut text = "#include \"policy.h\"\n#include <math.h>\n".to_owned();
    let widest = network.layers().iter().map(|layer| layer.outputs()).max().expect("a layer").max(inputs);
    for (index, layer) in network.layers().iter().enumerate() {
        let (rows, columns) = (layer.outputs(), layer.inputs());
        let _ = writeln!(text, "static const float w{index}[{}] = {{ {} }};", rows * columns, list(layer.weight()));
        let _ = writeln!(text, "static const float b{index}[{rows}] = {{ {} }};", list(layer.bias().iter().copied()));
    }
    text += "static void layer(const float *w, const float *b, const float *x, float *y, int rows, int columns) {\n    \
             for (int row = 0; row < rows; row++) {\n        float sum = b[row];\n        \
             for (int column = 0; column < columns; column++) { sum += w[row * columns + column] * x[column]; }\n        \
             y[row] = sum;\n    }\n}\n";
    let _ = writeln!(text, "{signature} {{\n    float x[{widest}], y[{widest}];");
    match policy.normalization() {
        None => {
            let _ = writeln!(text, "    for (int i = 0; i < {inputs}; i++) {{ x[i] = observation[i]; }}");
        }
        Some(normalization) => {
            let scale =
                normalization.variance.iter().map(|variance| (1.0 / (variance + normalization.epsilon).sqrt()) as f32);
            let (mean, scale) = (list(normalization.mean.iter().map(|mean| *mean as f32)), list(scale));
            let clip = format!("{:?}f", normalization.clip as f32);
            let _ = writeln!(
                text,
                "    static const float mean[{inputs}] = {{ {mean} }}, scale[{inputs}] = {{ {scale} }};\n    \
                 for (int i = 0; i < {inputs}; i++) {{\n        const float z = (observation[i] - mean[i]) * scale[i];\n        \
                 x[i] = z > {clip} ? {clip} : (z < -{clip} ? -{clip} : z);\n    }}"
            );
        }
    }
    for (index, layer) in network.layers().iter().enumerate() {
        let (rows, columns) = (layer.outputs(), layer.inputs());
        let activation = match layer.activation() {
            Activation::Identity => "y[i]",
            Activation::Tanh => "tanhf(y[i])",
            Activation::Relu => "y[i] > 0.0f ? y[i] : 0.0f",
            other => panic!("{other:?} is not written in C here"),
        };
        let _ = writeln!(
            text,
            "    layer(w{index}, b{index}, x, y, {rows}, {columns});\n    for (int i = 0; i < {rows}; i++) {{ x[i] = {activation}; }}"
        );
    }
    text += &if is_vector {
        format!("    for (int i = 0; i < {outputs}; i++) {{ action[i] = x[i]; }}\n}}\n")
    } else {
        format!(
            "    int best = 0;\n    for (int i = 1; i < {outputs}; i++) {{ if (x[i] > x[best]) {{ best = i; }} }}\n    return best;\n}}\n"
        )
    };
    vec![("policy.h".to_owned(), header.into_bytes()), ("policy.c".to_owned(), text.into_bytes())]
}
