//! Every environment has a picture of Gymnasium's size that follows its state.

use kanrl_core::action::ActionBatch;
use kanrl_core::environment::{EnvironmentRegistry, Frame, KeywordArguments};
use kanrl_core::random::Generator;

fn pixel(frame: &Frame, x: usize, y: usize) -> [u8; 3] {
    let place = (y * frame.width + x) * 3;
    [frame.rgb[place], frame.rgb[place + 1], frame.rgb[place + 2]]
}

/// Writes the pictures into the folder that `KANRL_PICTURES` names, to be looked at.
#[test]
fn pictures_follow_the_state() {
    let mut registry = EnvironmentRegistry::new();
    kanrl_envs_classic::register(&mut registry).expect("distinct ids");
    for entry in registry.entries() {
        let mut environment = registry.make(&entry.id, &KeywordArguments::new()).expect("no arguments are needed");
        let spec = environment.spec().clone();
        let mut observation = vec![0.0; spec.observation_space.len()];
        let mut action = ActionBatch::zeros(&spec.action_space, 1);
        let mut generator = Generator::new(4);
        environment.reset(Some(4), &mut observation).expect("it cannot fail");
        let mut pictures = vec![environment.render().expect("a picture")];
        for _ in 0..12 {
            spec.action_space.sample(&mut generator, &mut action, 0);
            environment.step(action.row(0), &mut observation).expect("it cannot fail");
        }
        pictures.push(environment.render().expect("a picture"));
        let expected = if ["Acrobot-v1", "Pendulum-v1"].contains(&entry.id.as_str()) { (500, 500) } else { (600, 400) };
        for (index, picture) in pictures.iter().enumerate() {
            assert_eq!((picture.width, picture.height), expected);
            assert_eq!(picture.rgb.len(), expected.0 * expected.1 * 3);
            assert_eq!(pixel(picture, 0, 0), [255; 3], "{}: white background", entry.id);
            if let Some(folder) = std::env::var_os("KANRL_PICTURES") {
                let file = std::path::Path::new(&folder).join(format!("{}-{index}.png", entry.id));
                std::fs::write(file, kanrl_render::encode_png(picture)).expect("a writable folder");
            }
        }
        assert_ne!(pictures[0], pictures[1], "{}", entry.id);
    }
}
