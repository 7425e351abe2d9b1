//! What the benches share: `cargo bench -p benches --bench AREA`.

mod lanes;

pub use lanes::Lanes;

/// Gymnasium's classic-control environments.
pub const CLASSIC: [&str; 5] =
    ["CartPole-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Acrobot-v1", "Pendulum-v1"];

/// Gymnasium's Box2D environments.
pub const BOX2D: [&str; 3] = ["LunarLander-v3", "LunarLanderContinuous-v3", "BipedalWalker-v3"];

/// A formula that balances `CartPole-v1`, one expression for each action.
pub const CART_POLE_FORMULA: &str = "0; 3*theta + theta_dot + 0.1*x + 0.3*x_dot";
