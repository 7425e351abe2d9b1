//! Tables from bytes: whole ones are read, and no bytes at all make the reader panic. The corpus is the fuzzer's.

use kanrl_plugin::abi::{
    KANRL_ABI_VERSION, KANRL_FLOAT32, KANRL_FLOAT64, KanrlCoordinate, KanrlEnvironment, KanrlFrame, KanrlPlugin,
    KanrlSpec,
};
use kanrl_plugin::{SliceMemory, tables};
use proptest::prelude::*;
use std::mem::{offset_of, size_of};
use std::path::{Path, PathBuf};

/// Builds memory whose first byte has address 1.
#[derive(Default)]
struct Image(Vec<u8>);

impl Image {
    fn reserve(&mut self, size: usize) -> usize {
        let start = self.0.len();
        self.0.resize(start + size, 0);
        start
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn number(&mut self, at: usize, value: usize) {
        self.put(at, &value.to_ne_bytes());
    }

    /// Appends bytes and puts their address and number at `at`.
    fn text(&mut self, at: usize, text: &str) {
        let start = self.reserve(text.len());
        self.put(start, text.as_bytes());
        self.number(at, start + 1);
        self.number(at + size_of::<usize>(), text.len());
    }
}

fn coordinate(image: &mut Image, at: usize, name: &str) {
    image.number(at, size_of::<KanrlCoordinate>());
    image.text(at + offset_of!(KanrlCoordinate, name), name);
    image.text(at + offset_of!(KanrlCoordinate, unit), "m");
    image.put(at + offset_of!(KanrlCoordinate, low), &(-1.0_f64).to_ne_bytes());
    image.put(at + offset_of!(KanrlCoordinate, high), &f64::INFINITY.to_ne_bytes());
}

/// A whole spec with two observations and a vector action.
fn spec() -> Image {
    let mut image = Image::default();
    image.reserve(size_of::<KanrlSpec>());
    image.number(0, size_of::<KanrlSpec>());
    let observation = image.reserve(2 * size_of::<KanrlCoordinate>());
    image.number(offset_of!(KanrlSpec, observation), observation + 1);
    image.number(offset_of!(KanrlSpec, observation_count), 2);
    coordinate(&mut image, observation, "x");
    coordinate(&mut image, observation + size_of::<KanrlCoordinate>(), "y");
    let action = image.reserve(size_of::<KanrlCoordinate>());
    image.number(offset_of!(KanrlSpec, action), action + 1);
    image.number(offset_of!(KanrlSpec, action_count), 1);
    coordinate(&mut image, action, "force");
    image.put(offset_of!(KanrlSpec, frames_per_second), &30_u32.to_ne_bytes());
    image.put(offset_of!(KanrlSpec, max_episode_steps), &500_u32.to_ne_bytes());
    image.put(offset_of!(KanrlSpec, observation_type), &KANRL_FLOAT64.to_ne_bytes());
    image.put(offset_of!(KanrlSpec, action_type), &KANRL_FLOAT32.to_ne_bytes());
    image
}

fn header() -> Image {
    let mut image = Image::default();
    image.reserve(size_of::<KanrlPlugin>());
    image.number(0, size_of::<KanrlPlugin>());
    image.put(offset_of!(KanrlPlugin, abi_version), &KANRL_ABI_VERSION.to_ne_bytes());
    image.text(offset_of!(KanrlPlugin, name), "a plugin");
    image.text(offset_of!(KanrlPlugin, version), "1.2.3");
    image.number(offset_of!(KanrlPlugin, environments), 1);
    image
}

fn environments() -> Image {
    let mut image = Image::default();
    let size = size_of::<KanrlEnvironment>();
    image.reserve(2 * size);
    for (at, id) in [(0, "First-v0"), (size, "Second-v0")] {
        image.number(at, size);
        image.text(at + offset_of!(KanrlEnvironment, id), id);
        image.text(at + offset_of!(KanrlEnvironment, default_arguments), "{\"mass\": 1.5}");
        for function in [
            offset_of!(KanrlEnvironment, create),
            offset_of!(KanrlEnvironment, destroy),
            offset_of!(KanrlEnvironment, spec),
            offset_of!(KanrlEnvironment, reset),
            offset_of!(KanrlEnvironment, step),
        ] {
            image.number(at + function, 1);
        }
    }
    image
}

fn frame() -> Image {
    let mut image = Image::default();
    image.reserve(size_of::<KanrlFrame>());
    image.number(0, size_of::<KanrlFrame>());
    image.number(offset_of!(KanrlFrame, width), 2);
    image.number(offset_of!(KanrlFrame, height), 3);
    let pixels = image.reserve(18);
    image.number(offset_of!(KanrlFrame, rgb), pixels + 1);
    image
}

/// Everything that the fuzzer does with bytes.
fn read_all(bytes: &[u8]) {
    let memory = SliceMemory(bytes);
    let _ = tables::plugin(&memory, 1);
    let _ = tables::environments(&memory, 1, 2);
    if let Ok(spec) = tables::spec(&memory, 1, "Fuzz-v0") {
        assert!(!spec.observation_space.is_empty() && spec.action_space.outputs() > 0);
    }
    let _ = tables::parameters(&memory, 1, 2);
    if let Ok(frame) = tables::frame(&memory, 1) {
        assert_eq!(frame.rgb.len(), frame.width * frame.height * 3);
    }
    let _ = tables::numbers(&memory, 1, 3, "state");
}

#[test]
fn whole_tables_are_read() {
    let found = tables::spec(&SliceMemory(&spec().0), 1, "Image-v0").expect("a whole spec");
    assert_eq!(found.observation_space.names(), ["x", "y"]);
    assert_eq!(found.action_space.output_names(), ["force"]);
    assert_eq!((found.max_episode_steps, found.reward_threshold, found.frames_per_second), (Some(500), None, 30));
    let bounds = &found.observation_space.coordinates[1];
    assert_eq!((bounds.low, bounds.high), (-1.0, f64::INFINITY));

    let found = tables::plugin(&SliceMemory(&header().0), 1).expect("a whole header");
    assert_eq!((found.name.as_str(), found.version.as_str()), ("a plugin", "1.2.3"));

    let found = tables::environments(&SliceMemory(&environments().0), 1, 2).expect("two environments");
    assert_eq!((found[0].id.as_str(), found[1].id.as_str()), ("First-v0", "Second-v0"));
    assert_eq!(found[1].default_arguments["mass"], 1.5);

    let found = tables::frame(&SliceMemory(&frame().0), 1).expect("a whole frame");
    assert_eq!((found.width, found.height, found.rgb.len()), (2, 3, 18));
}

#[test]
fn the_version_is_looked_at_before_the_size() {
    let mut image = header();
    image.put(offset_of!(KanrlPlugin, abi_version), &7_u32.to_ne_bytes());
    image.number(0, 3);
    let error = tables::plugin(&SliceMemory(&image.0), 1).expect_err("another version").to_string();
    assert_eq!(error, "its ABI version is 7, but this host needs 1");
}

#[test]
fn a_larger_table_of_a_later_release_is_read_up_to_what_is_known() {
    let mut image = header();
    let size = size_of::<KanrlPlugin>();
    image.number(0, size + 8);
    image.reserve(8);
    assert!(tables::plugin(&SliceMemory(&image.0), 1).is_ok());
}

#[test]
fn the_corpus_makes_no_reader_panic() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/plugin_tables");
    if std::env::var_os("KANRL_UPDATE_CORPUS").is_some() {
        for (name, image) in
            [("spec", spec()), ("header", header()), ("environments", environments()), ("frame", frame())]
        {
            std::fs::write(folder.join(name), image.0).expect("the corpus can be written");
        }
    }
    let entries = std::fs::read_dir(&folder).expect("the corpus is part of the repository");
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable entry").path()).collect();
    assert!(paths.len() >= 4, "the corpus has its seeds");
    for path in paths {
        read_all(&std::fs::read(path).expect("a readable file"));
    }
}

proptest! {
    /// Whole tables with some bytes changed, and cut off somewhere.
    #[test]
    fn damaged_tables_are_refused_or_read(
        which in 0_usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = [spec, header, environments, frame][which]().0;
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        read_all(&bytes);
    }
}
