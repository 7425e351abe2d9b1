use kanrl_core::environment::{ActionKind, Continuous, Discrete};
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};

/// Which engines fire, and how strongly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Engines {
    /// The main engine's throttle: 0 (off) or 0.5 to 1.
    pub main: f64,
    /// The side engine's throttle: 0 (off) or 0.5 to 1.
    pub side: f64,
    /// Which side engine: -1 the left one, 1 the right one.
    pub direction: f64,
}

/// An action type of [`LunarLander`](crate::LunarLander): [`Discrete`] or [`Continuous`].
pub trait EngineControl: ActionKind {
    /// The action space that goes with it.
    fn action_space() -> ActionSpace;

    /// What an action does.
    fn engines(action: Self::Value<'_>) -> Engines;
}

impl EngineControl for Discrete {
    fn action_space() -> ActionSpace {
        let actions = ["do nothing", "fire left engine", "fire main engine", "fire right engine"];
        ActionSpace::Discrete(DiscreteSpace::new(actions))
    }

    #[inline]
    fn engines(action: usize) -> Engines {
        match action {
            1 => Engines { side: 1.0, direction: -1.0, ..Engines::default() },
            2 => Engines { main: 1.0, ..Engines::default() },
            3 => Engines { side: 1.0, direction: 1.0, ..Engines::default() },
            _ => Engines::default(),
        }
    }
}

impl EngineControl for Continuous {
    fn action_space() -> ActionSpace {
        let coordinate = |name, description| Coordinate::new(name, "1", -1.0, 1.0).described(description);
        let coordinates = vec![
            coordinate("main_engine", "main engine: off up to 0, then 50 % to 100 % throttle"),
            coordinate("side_engine", "left engine below -0.5, right engine above 0.5, 50 % to 100 % throttle"),
        ];
        ActionSpace::Box(BoxSpace::new(ElementType::F32, coordinates))
    }

    #[inline]
    fn engines(action: <Self as ActionKind>::Value<'_>) -> Engines {
        let [main, side] = [0, 1].map(|index| action.get(index).clamp(-1.0, 1.0));
        let mut engines = Engines::default();
        if main > 0.0 {
            engines.main = (main + 1.0) * 0.5;
        }
        if side.abs() > 0.5 {
            engines.side = side.abs();
            engines.direction = side.signum();
        }
        engines
    }
}
