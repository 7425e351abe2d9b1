//! Damaged, hostile and unfitting archives are refused with a sentence that helps.

use kanrl_core::environment::EnvironmentSpec;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use kanrl_experts::sb3::{Sb3Archive, vecnormalize};
use kanrl_experts::torch::StateDict;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A tiny agent for CartPole, as Stable-Baselines3 wrote it.
fn sample() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents/dqn/CartPole-v1.zip");
    std::fs::read(path).expect("a fixture")
}

fn members(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).expect("an entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("a readable entry");
            (entry.name().to_owned(), content)
        })
        .collect()
}

fn pack(members: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(name, SimpleFileOptions::default().compression_method(method)).expect("an entry");
        writer.write_all(content).expect("content");
    }
    writer.finish().expect("a zip").into_inner()
}

/// The archive with one member replaced (or dropped).
fn with_member(bytes: &[u8], member: &str, content: Option<Vec<u8>>) -> Vec<u8> {
    let mut members = members(bytes);
    members.retain(|(name, _)| name != member);
    members.extend(content.map(|content| (member.to_owned(), content)));
    pack(&members, CompressionMethod::Stored)
}

fn error(bytes: Vec<u8>) -> String {
    Sb3Archive::read("x.zip", bytes, None).expect_err("a refusal").to_string()
}

fn environment(observations: usize, actions: usize) -> EnvironmentSpec {
    let axis = |index: usize| Coordinate::new(format!("x_{index}"), "1", f64::NEG_INFINITY, f64::INFINITY);
    EnvironmentSpec {
        id: "Other-v0".into(),
        observation_space: BoxSpace::new(ElementType::F32, (0..observations).map(axis).collect()),
        action_space: ActionSpace::Discrete(DiscreteSpace::new((0..actions).map(|index| index.to_string()))),
        max_episode_steps: Some(500),
        reward_threshold: None,
        frames_per_second: 30,
        info_names: Vec::new(),
    }
}

#[test]
fn deflated_members_are_read_as_stored_ones_are() {
    let sample = sample();
    let deflated = pack(&members(&sample), CompressionMethod::Deflated);
    assert!(deflated.len() < sample.len());
    Sb3Archive::read("x.zip", deflated, None).expect("a readable archive");
}

#[test]
fn a_truncation_at_any_byte_is_an_error() {
    let sample = sample();
    for length in 0..sample.len() {
        let message = error(sample[..length].to_vec());
        assert!(message.contains("x.zip"), "{length}: {message}");
    }
    let message = error(sample[..sample.len() / 2].to_vec());
    assert!(message.starts_with("`x.zip` is not a complete zip archive ("), "{message}");
    assert!(message.ends_with("; copy or download it again"), "{message}");
}

#[test]
fn a_missing_member_is_named_with_what_there_is() {
    let sample = sample();
    assert_eq!(
        error(with_member(&sample, "policy.pth", None)),
        "`x.zip` has no member `policy.pth`; it has _stable_baselines3_version, data, \
         policy.optimizer.pth, pytorch_variables.pth, system_info.txt: the file is truncated or of another kind"
    );
}

#[test]
fn an_unknown_opcode_is_named_with_its_position() {
    let sample = sample();
    let policy = members(&sample).into_iter().find(|(name, _)| name == "policy.pth").expect("a policy").1;
    let broken = with_member(&policy, "archive/data.pkl", Some(vec![0x80, 2, 0xff, b'.']));
    assert_eq!(
        error(with_member(&sample, "policy.pth", Some(broken))),
        "`x.zip/policy.pth/archive/data.pkl`: unknown pickle opcode 0xff at byte 2; expected one of pickle protocols 0 to 5"
    );
}

#[test]
fn a_wrong_element_type_is_named() {
    let sample = sample();
    let policy = members(&sample).into_iter().find(|(name, _)| name == "policy.pth").expect("a policy").1;
    let pickle = members(&policy).into_iter().find(|(name, _)| name.ends_with("data.pkl")).expect("a pickle").1;
    let position = pickle.windows(12).position(|window| window == b"FloatStorage").expect("a storage class");
    let mut rebuilt = pickle[..position].to_vec();
    rebuilt.extend_from_slice(b"LongStorage");
    rebuilt.extend_from_slice(&pickle[position + 12..]);
    let broken = with_member(&policy, "archive/data.pkl", Some(rebuilt));
    assert_eq!(
        error(with_member(&sample, "policy.pth", Some(broken))),
        "`x.zip/policy.pth` has the tensor `q_net.q_net.0.weight` of int64; expected float32 or float64"
    );
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let sample = sample();
    // 300 MB of zeros deflate to 300 kB.
    let mut members = members(&sample);
    members.retain(|(name, _)| name != "policy.pth");
    members.push(("policy.pth".into(), vec![0; 300 << 20]));
    let bomb = pack(&members, CompressionMethod::Deflated);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(error(bomb), "`x.zip/policy.pth` is too large: 314572800 bytes, at most 268435456 are accepted");
}

#[test]
fn a_hostile_state_dict_is_recorded_and_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let marker = folder.path().join("marker");
    let command = format!("touch {}", marker.display());
    let mut pickle = b"\x80\x02cos\nsystem\nX".to_vec();
    pickle.extend_from_slice(&(command.len() as u32).to_le_bytes());
    pickle.extend_from_slice(command.as_bytes());
    pickle.extend_from_slice(b"\x85R.");
    let policy = pack(&[("archive/data.pkl".into(), pickle.clone())], CompressionMethod::Stored);
    let message = StateDict::read("policy.pth", policy).err().expect("a refusal").to_string();
    assert_eq!(
        message,
        "`policy.pth/archive/data.pkl` mentions `os.system`, which state dicts do not contain; it was not run. \
         Expected only tensors"
    );
    let message = vecnormalize::read("vecnormalize.pkl", &pickle).expect_err("a refusal").to_string();
    assert_eq!(message, "`vecnormalize.pkl` holds a call of `os.system`; expected Stable-Baselines3's VecNormalize");
    assert!(!marker.exists());
}

#[test]
fn an_archive_for_another_environment_says_what_both_have() {
    let sample = sample();
    let archive = Sb3Archive::read("x.zip", sample, None).expect("a readable archive");
    archive.clone().for_environment(&environment(4, 2)).expect("a fitting environment");
    let message = archive.for_environment(&environment(3, 5)).expect_err("a mismatch").to_string();
    assert_eq!(
        message,
        "`x.zip` takes 4 observations and gives 2 discrete actions, but `Other-v0` has 3 observations and 5 discrete \
         actions; choose an expert trained for this environment"
    );
}
