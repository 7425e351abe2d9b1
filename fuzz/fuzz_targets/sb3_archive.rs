//! Whole Stable-Baselines3 archives, up to a policy that acts.
#![no_main]

use kanrl_experts::sb3::Sb3Archive;
use kanrl_core::action::ActionBatch;
use kanrl_core::policy::Policy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let policy = Sb3Archive::read("fuzz", bytes.to_vec(), None).and_then(|archive| archive.standalone(None));
    if let Ok(policy) = policy {
        let mut actions = ActionBatch::zeros(policy.action_space(), 0);
        let _ = policy.act(&vec![0.5; policy.observation_size()], &[0], &mut actions);
    }
});
