//! The element-wise functions between a network's layers.

/// What follows a dense layer, element by element, with torch's default constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `tanh(x)`.
    Tanh,
    /// `max(x, 0)`.
    Relu,
    /// `x` where positive, `exp(x) − 1` elsewhere.
    Elu,
    /// `x` where positive, `x / 100` elsewhere.
    LeakyRelu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// 1.0507 times `x` where positive, 1.7581 times `exp(x) − 1` elsewhere (arXiv 1706.02515).
    Selu,
    /// The same as [`Self::Elu`] with torch's constant 1.
    Celu,
    /// `x Φ(x)`, with the normal distribution's Φ (arXiv 1606.08415).
    Gelu,
    /// `x / (1 + exp(−x))`, also called swish.
    Silu,
    /// `x tanh(ln(1 + exp(x)))`.
    Mish,
    /// `1 / (1 + exp(−x))`.
    Sigmoid,
    /// `−ln(1 + exp(−x))`.
    LogSigmoid,
    /// `ln(1 + exp(x))`; `x` above 20.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x` without what lies within 0.5 of 0, moved by 0.5 towards it.
    Softshrink,
    /// `x` where its magnitude is above 0.5, 0 elsewhere.
    Hardshrink,
    /// `min(max(x, −1), 1)`.
    Hardtanh,
    /// `min(max(x / 6 + 1/2, 0), 1)`.
    Hardsigmoid,
    /// `x` times [`Self::Hardsigmoid`].
    Hardswish,
    /// `x − tanh(x)`.
    Tanhshrink,
}

/// torch's constants of SELU.
const SELU_ALPHA: f32 = 1.673_263_2;
const SELU_SCALE: f32 = 1.050_701;

impl Activation {
    /// Every one of them, with the class in `torch.nn` that it is.
    pub const ALL: [(&'static str, Self); 21] = [
        ("Identity", Self::Identity),
        ("Tanh", Self::Tanh),
        ("ReLU", Self::Relu),
        ("ELU", Self::Elu),
        ("LeakyReLU", Self::LeakyRelu),
        ("ReLU6", Self::Relu6),
        ("SELU", Self::Selu),
        ("CELU", Self::Celu),
        ("GELU", Self::Gelu),
        ("SiLU", Self::Silu),
        ("Mish", Self::Mish),
        ("Sigmoid", Self::Sigmoid),
        ("LogSigmoid", Self::LogSigmoid),
        ("Softplus", Self::Softplus),
        ("Softsign", Self::Softsign),
        ("Softshrink", Self::Softshrink),
        ("Hardshrink", Self::Hardshrink),
        ("Hardtanh", Self::Hardtanh),
        ("Hardsigmoid", Self::Hardsigmoid),
        ("Hardswish", Self::Hardswish),
        ("Tanhshrink", Self::Tanhshrink),
    ];

    /// The one that a class of `torch.nn` is, in any case: `ReLU`, `relu`.
    pub fn from_torch(class: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.eq_ignore_ascii_case(class)).map(|(_, activation)| *activation)
    }

    /// The classes of `torch.nn` that are known, for messages.
    pub fn known() -> String {
        Self::ALL.map(|(name, _)| name).join(", ")
    }

    pub(crate) fn apply(self, values: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Relu => values.iter_mut().for_each(|value| *value = value.max(0.0)),
            Self::Tanh => values.iter_mut().for_each(|value| *value = value.tanh()),
            _ => values.iter_mut().for_each(|value| *value = self.value(*value)),
        }
    }

    fn value(self, x: f32) -> f32 {
        match self {
            Self::Identity => x,
            Self::Tanh => x.tanh(),
            Self::Relu => x.max(0.0),
            Self::Elu | Self::Celu => {
                if x > 0.0 {
                    x
                } else {
                    x.exp_m1()
                }
            }
            Self::LeakyRelu => {
                if x > 0.0 {
                    x
                } else {
                    0.01 * x
                }
            }
            Self::Relu6 => x.clamp(0.0, 6.0),
            Self::Selu => SELU_SCALE * if x > 0.0 { x } else { SELU_ALPHA * x.exp_m1() },
            Self::Gelu => x * 0.5 * (1.0 + libm::erff(x * std::f32::consts::FRAC_1_SQRT_2)),
            Self::Silu => x * sigmoid(x),
            Self::Mish => x * softplus(x).tanh(),
            Self::Sigmoid => sigmoid(x),
            Self::LogSigmoid => x.min(0.0) - (-x.abs()).exp().ln_1p(),
            Self::Softplus => softplus(x),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Softshrink => x - x.clamp(-0.5, 0.5),
            Self::Hardshrink => {
                if x.abs() > 0.5 {
                    x
                } else {
                    0.0
                }
            }
            Self::Hardtanh => x.clamp(-1.0, 1.0),
            Self::Hardsigmoid => (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Hardswish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Self::Tanhshrink => x - x.tanh(),
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f32) -> f32 {
    if x > 20.0 { x } else { x.exp().ln_1p() }
}

impl std::str::FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_torch(&text.replace('_', ""))
            .ok_or_else(|| format!("`{text}` is not an activation; expected one of {}", Self::known()))
    }
}

#[cfg(test)]
mod tests {
    use super::Activation;

    /// At −2, −0.3 and 1.5, from torch's definitions in f64.
    #[test]
    fn values() {
        let expected: [(Activation, [f64; 3]); 17] = [
            (Activation::Elu, [-0.864_664_716_8, -0.259_181_779_3, 1.5]),
            (Activation::LeakyRelu, [-0.02, -0.003, 1.5]),
            (Activation::Relu6, [0.0, 0.0, 1.5]),
            (Activation::Selu, [-1.520_166_468_6, -0.455_667_315_4, 1.576_051_481]),
            (Activation::Gelu, [-0.045_500_263_9, -0.114_626_573_3, 1.399_789_198_1]),
            (Activation::Silu, [-0.238_405_844, -0.127_667_245, 1.226_361_714_3]),
            (Activation::Mish, [-0.252_501_482_7, -0.151_133_177_1, 1.403_378_266_4]),
            (Activation::Sigmoid, [0.119_202_922, 0.425_557_483_2, 0.817_574_476_2]),
            (Activation::LogSigmoid, [-2.126_928_011, -0.854_355_244_8, -0.201_413_277_9]),
            (Activation::Softplus, [0.126_928_011, 0.554_355_244_8, 1.701_413_277_9]),
            (Activation::Softsign, [-0.666_666_666_7, -0.230_769_230_8, 0.6]),
            (Activation::Softshrink, [-1.5, 0.0, 1.0]),
            (Activation::Hardshrink, [-2.0, 0.0, 1.5]),
            (Activation::Hardtanh, [-1.0, -0.3, 1.0]),
            (Activation::Hardsigmoid, [0.166_666_666_7, 0.45, 0.75]),
            (Activation::Hardswish, [-0.333_333_333_3, -0.135, 1.125]),
            (Activation::Tanhshrink, [-1.035_972_419_9, -0.008_687_387_5, 0.594_851_746_4]),
        ];
        for (activation, expected) in expected {
            let mut values = [-2.0_f32, -0.3, 1.5];
            activation.apply(&mut values);
            for (value, expected) in values.iter().zip(expected) {
                assert!((f64::from(*value) - expected).abs() < 1e-6, "{activation:?}: {value}, expected {expected}");
            }
        }
        assert_eq!("leaky_relu".parse(), Ok(Activation::LeakyRelu));
        assert_eq!("SiLU".parse(), Ok(Activation::Silu));
        assert!("step".parse::<Activation>().is_err());
    }
}
