//! Logs in HDF5: Minari's data sets and files of plain arrays, as h5py writes them, and what is made of damaged ones.

use kanrl_core::space::ActionSpace;
use kanrl_experts::data_files::{dataset_file, read_log, read_observations};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs").join(name)
}

fn refusal(name: &str) -> String {
    let path = fixture(name);
    let error = read_log(&path, None, None).expect_err("a refusal").to_string();
    error.replace(&*path.display().to_string(), name)
}

/// Two episodes of CartPole-v1 of 40 steps each, made with Minari 0.5.4.
#[test]
fn a_minari_data_set_is_read_by_its_folder() {
    let folder = fixture("minari/kanrl/cartpole-v0");
    let file = dataset_file(&format!("minari:{}", folder.display())).expect("a data set");
    let log = read_log(&file, None, None).expect("a log");
    assert_eq!((log.rows.rows(), log.rows.episodes(), log.rows.input_names.len()), (80, 2, 4));
    assert_eq!(log.rows.episode_starts, [0, 40]);
    // The observations that follow each episode's last action are left out: these are float32 numbers as Gymnasium gave them.
    let near = |row: usize, expected: [f64; 2]| {
        let found = &log.rows.observations[4 * row..4 * row + 2];
        assert!(
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-8),
            "{row}: {found:?}"
        );
        assert!(found.iter().all(|value| f64::from(*value as f32) == *value));
    };
    near(0, [0.01369617, -0.02302133]);
    near(41, [0.00208309, -0.14954773]);
    let ActionSpace::Discrete(space) = &log.spec.action_space else { panic!("discrete actions") };
    assert_eq!(space.len(), 2);
    let chosen = |row: &[f64]| row[1] as usize;
    let actions: Vec<usize> = log.rows.targets.chunks_exact(2).map(chosen).collect();
    assert_eq!((&actions[..5], &actions[40..45]), (&[0, 1, 0, 1, 0][..], &[0, 1, 0, 1, 0][..]));
    assert_eq!(log.notes, ["2 episodes of a Minari data set"]);
}

#[test]
fn a_data_set_that_is_not_there_is_named_with_where_it_was_looked_for() {
    let folder = fixture("minari");
    let error =
        dataset_file(&format!("minari:{}/nobody/nothing-v0", folder.display())).expect_err("not there").to_string();
    assert!(error.contains("nobody/nothing-v0") && error.contains("main_data.hdf5"), "{error}");
    assert_eq!(dataset_file("log.csv").expect("a file").display().to_string(), "log.csv");
}

/// A user block, chunks that stand over the edges, gzip, shuffling, checksums, big-endian numbers, True and False.
#[test]
fn plain_arrays_are_read_however_they_are_stored() {
    let (hdf5, npz) = (fixture("flat.hdf5"), fixture("flat.npz"));
    let log = read_log(&hdf5, None, None).expect("a log");
    let expected = read_log(&npz, None, None).expect("a log");
    assert_eq!(log.rows, expected.rows);
    assert_eq!((log.rows.rows(), log.rows.episodes()), (57, 6));
    let observations = read_observations(&fixture("hdf5/few.hdf5"), &[]).expect("observations");
    assert_eq!(observations.values, expected.rows.observations);
}

#[test]
fn a_dictionary_of_observations_is_put_side_by_side() {
    let log = read_log(&fixture("hdf5/dict.hdf5"), None, None).expect("a log");
    assert_eq!((log.rows.rows(), log.rows.episodes()), (112, 2));
    assert!(log.notes.contains(&"observations are at, goal, side by side".to_owned()), "{:?}", log.notes);
    let plain = read_log(&fixture("flat.npz"), None, None).expect("a log").rows;
    let row =
        |row: usize| [plain.observations[3 * row + 1], plain.observations[3 * row + 2], plain.observations[3 * row]];
    assert_eq!(log.rows.observations[..3], row(0));
    assert_eq!(log.rows.observations[56 * 3..57 * 3], row(0));
}

#[test]
fn what_is_not_read_is_said_by_name() {
    assert!(refusal("hdf5/order.hdf5").contains("without `track_order`"), "{}", refusal("hdf5/order.hdf5"));
    assert!(refusal("hdf5/latest.hdf5").contains("libver"), "{}", refusal("hdf5/latest.hdf5"));
    assert!(
        refusal("hdf5/lzf.hdf5").contains("write it again with `compression=\"gzip\"`"),
        "{}",
        refusal("hdf5/lzf.hdf5")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.hdf5");
    std::fs::write(&empty, b"").expect("a file");
    let error = read_log(&empty, None, None).expect_err("nothing").to_string();
    assert!(error.contains("empty.hdf5") && error.contains("is not an HDF5 file"), "{error}");
}

/// Every length, address and count is changed in turn, and bits at random: each file is read or refused, and none is believed
/// about its size.
#[test]
fn damaged_files_are_refused_or_read_and_never_believed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("damaged.hdf5");
    let (mut refused, mut read) = (0, 0);
    let mut state = 7_u64;
    let mut random = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    for name in ["flat.hdf5", "hdf5/dict.hdf5", "minari/kanrl/cartpole-v0/data/main_data.hdf5"] {
        let whole = std::fs::read(fixture(name)).expect("a fixture");
        // Where something is: most of such a file is empty.
        let places: Vec<usize> = (0..whole.len()).filter(|place| whole[*place] != 0).collect();
        for round in 0..700 {
            let mut bytes = whole.clone();
            match round % 3 {
                0 => {
                    let place = places[random(places.len())] & !7;
                    let value = [u64::MAX, 1 << 40, 0, place as u64, 0x7fff_ffff][random(5)].to_le_bytes();
                    let end = (place + 8).min(bytes.len());
                    bytes[place..end].copy_from_slice(&value[..end - place]);
                }
                1 => (0..=random(4)).for_each(|_| bytes[places[random(places.len())]] ^= 1 << random(8)),
                _ => bytes.truncate(random(whole.len())),
            }
            std::fs::write(&file, &bytes).expect("a file");
            match read_log(&file, None, None) {
                Ok(log) => {
                    assert_eq!(log.rows.observations.len(), log.rows.rows() * log.rows.input_names.len());
                    read += 1;
                }
                Err(error) => {
                    assert!(error.to_string().contains("damaged.hdf5"), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 700 && read > 200, "{refused} refused, {read} read");
}
