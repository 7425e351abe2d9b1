//! Logs as spreadsheets, pandas, NumPy and the package `imitation` write them: what is read, and what is said about it.

use kanrl_core::dataset::Demonstrations;
use kanrl_core::space::ActionSpace;
use kanrl_experts::data_files::{ActionKind, read_log, read_observations};
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs/strangers").join(name)
}

fn read(name: &str) -> Demonstrations {
    read_log(&fixture(name), None, None).expect("a log")
}

/// A log of a text, as `read_log` takes it from a file.
fn table(text: &str, actions: Option<ActionKind>) -> Result<Demonstrations, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).expect("a file");
    read_log(&path, None, actions).map_err(|error| error.to_string().replace(&*path.display().to_string(), "log.csv"))
}

/// The rows of `tab.csv` with commas, under another header.
fn under(header: &str) -> Demonstrations {
    let text = std::fs::read_to_string(fixture("tab.csv")).expect("a fixture");
    let rows = text.split_once('\n').expect("a header").1.replace('\t', ",");
    table(&format!("{header}\n{rows}"), None).expect("a log")
}

fn actions(log: &Demonstrations) -> Vec<&str> {
    let ActionSpace::Discrete(space) = &log.spec.action_space else { panic!("discrete actions") };
    space.actions.iter().map(String::as_str).collect()
}

#[test]
fn separators_decimal_commas_and_encodings_are_found_and_said() {
    let plain = under("x,v,u,action");
    assert_eq!((plain.rows.rows(), plain.notes.len()), (200, 0));
    for (name, note) in [
        ("semicolon.csv", "cells are separated by semicolons"),
        ("semicolon_decimal_comma.csv", "cells are separated by semicolons, and numbers have decimal commas"),
        ("tab.csv", "cells are separated by tabs"),
    ] {
        let log = read(name);
        assert_eq!((&log.rows, log.notes), (&plain.rows, vec![note.to_owned()]), "{name}");
    }
    let log = read("latin1.csv");
    assert_eq!(log.rows.input_names, ["Höhe", "v", "u"]);
    assert_eq!(log.notes, ["read as windows-1252, because it is not UTF-8"]);
    assert_eq!(log.rows.observations, plain.rows.observations);
}

#[test]
fn a_table_has_one_decimal_mark() {
    assert_eq!(
        table("x;action\n1,5;0\n2.5;1\n", None).expect_err("a refusal"),
        "`log.csv` has numbers with a decimal comma and numbers with a decimal point; expected one of them"
    );
}

#[test]
fn columns_have_any_name() {
    for header in [
        "pole angle (rad),cart speed,u,action",
        "θ,ω,u,action",
        "temp_%,v,u,action",
        "pole-angle,cart.pos,u,action",
        "obs[0],obs[1],obs[2],action",
        "0,1,2,action",
        "cos,sin,u,action",
        "int,v,float,action",
        "a,v,u,action",
    ] {
        let log = under(header);
        let names: Vec<&str> = header.split(',').take(3).collect();
        assert_eq!(
            (&log.rows.input_names.iter().map(String::as_str).collect::<Vec<&str>>(), log.rows.rows()),
            (&names, 200)
        );
        assert!(log.notes.is_empty(), "{:?}", log.notes);
    }
    let log = table("`x`,\"y\nz\",action\n1,2,0\n3,4,1\n", None).expect("a log");
    assert_eq!(log.rows.input_names, ["'x'", "y z"]);
}

#[test]
fn columns_that_are_not_observations_are_skipped_by_name() {
    let text = ",Time [s],t,x,next_x,reward,mode,spare,action,action_name,done\n\
                0,0.1,0,1,2,-1,slow,,0,left,0\n1,0.2,1,2,3,-1,fast,,1,right,1\n2,0.3,2,5,6,-1,fast,,1,right,0\n";
    let log = table(text, None).expect("a log");
    assert_eq!(log.rows.input_names, ["x"]);
    assert_eq!(log.rows.observations, [1.0, 2.0, 5.0]);
    assert_eq!(log.rows.episode_starts, [0, 2]);
    assert_eq!(
        log.notes,
        [
            "skipped, because they are not observations: a column without a name, `Time [s]`, `t` (it rises with time), `next_x` (it comes after the \
          action), `reward`, `mode` (text), `spare` (empty), `action_name` (the action was given)"
        ]
    );
}

#[test]
fn labels_are_texts_flags_and_numbers() {
    let plain = read("text.csv");
    assert_eq!(plain.rows.rows(), 600);
    for (name, names) in [("text.csv", ["left", "right"]), ("bool.csv", ["False", "True"]), ("float.csv", ["0", "1"])] {
        let log = read(name);
        assert_eq!((&log.rows, &actions(&log)[..]), (&plain.rows, &names[..]), "{name}");
        let note = format!("`action` holds 2 labels: action 0 is {}, action 1 is {}", names[0], names[1]);
        assert_eq!(log.notes, [note]);
    }
    let with = |labels: [&str; 4]| {
        let rows: String = labels.iter().enumerate().map(|(row, label)| format!("{row},{label}\n")).collect();
        table(&format!("x,action\n{rows}"), None).expect("a log")
    };
    let log = with(["-1", "+1", "1", "-1"]);
    assert_eq!((actions(&log), &log.rows.targets[..4]), (vec!["-1", "1"], &[1.0, 0.0, 0.0, 1.0][..]));
    let log = with(["7", "2", "2", "9"]);
    assert_eq!((actions(&log), &log.rows.targets[..3]), (vec!["2", "7", "9"], &[0.0, 1.0, 0.0][..]));
    assert_eq!(actions(&with(["0", "2", "1", "1"])), ["action 0", "action 1", "action 2"]);
    assert_eq!(actions(&with(["N", "S", "N", "1"])), ["1", "N", "S"]);
}

#[test]
fn numbers_stay_numbers_and_the_user_decides() {
    let rows: String = (0..60).map(|row| format!("{row},{}\n", f64::from(row) / 8.0 - 3.0)).collect();
    let log = table(&format!("x,action\n{rows}"), None).expect("a log");
    assert!(matches!(&log.spec.action_space, ActionSpace::Box(space) if space.coordinates[0].high == 4.375));
    let rows: String = (0..60).map(|row| format!("{row},{}\n", if row % 3 == 0 { 0.5 } else { -0.5 })).collect();
    let text = format!("x,action\n{rows}");
    assert_eq!(actions(&table(&text, None).expect("a log")), ["-0.5", "0.5"]);
    let log = table(&text, Some(ActionKind::Numbers)).expect("a log");
    assert!(matches!(log.spec.action_space, ActionSpace::Box(_)));
    let rows: String = (0..200).map(|row| format!("{row},{row}\n")).collect();
    let text = format!("x,action\n{rows}");
    assert!(matches!(table(&text, None).expect("a log").spec.action_space, ActionSpace::Box(_)));
    assert_eq!(actions(&table(&text, Some(ActionKind::Labels)).expect("a log")).len(), 200);
}

#[test]
fn one_of_several_columns_with_a_1_is_a_choice() {
    let log = table("x,action_left,action_right\n1,1,0\n2,0,1\n3,1,0\n", None).expect("a log");
    assert_eq!((actions(&log), &log.rows.targets[..4]), (vec!["left", "right"], &[1.0, 0.0, 0.0, 1.0][..]));
    assert_eq!(log.notes, ["`action_…` holds a 1 in one of 2 places in every row: 2 discrete actions"]);
}

#[test]
fn rows_that_miss_a_number_are_left_out_and_counted() {
    let log = read("nan.csv");
    assert_eq!((log.rows.rows(), log.rows.targets.len()), (198, 396));
    assert!(log.rows.observations.iter().all(|value| value.is_finite()));
    let note = &log.notes[0];
    assert!(note.starts_with("2 of 200 rows are skipped, because they lack a finite number in `x` (2)"), "{note}");
    assert!(note.ends_with("the first: line 52"), "{note}");
    assert_eq!(read("empty.csv").rows.rows(), 198);
    let log = table("x,action,done\n1,0,0\nNA,1,1\n2,1,0\n,0,0\n3,,0\n4,1,0\n5,0,0\n6,0,0\n", None).expect("a log");
    assert_eq!(
        (&log.rows.observations[..], &log.rows.episode_starts[..]),
        (&[1.0, 2.0, 4.0, 5.0, 6.0][..], &[0, 1][..])
    );
    assert_eq!(
        log.notes,
        ["3 of 8 rows are skipped, because they lack a finite number in `x` (2), `action` (1); the first: line 3"]
    );
    assert_eq!(
        table("x,action\n1,0\nnan,1\nnan,1\n", None).expect_err("a refusal"),
        "`log.csv` has no finite number in 2 of 3 rows, in `x` (2); remove or fill the columns that are mostly empty"
    );
    // Actions on a file's rows cannot leave out any.
    let error = read_observations(&fixture("nan.csv"), &["x".into(), "v".into(), "u".into()]).expect_err("a refusal");
    assert!(error.to_string().contains("line 52; expected finite numbers"), "{error}");
}

#[test]
fn arrays_with_episodes_objects_and_other_names() {
    let plain = read("infos.npz");
    assert_eq!((plain.rows.rows(), actions(&plain).len(), plain.marked), (300, 2, false));
    assert_eq!(read("acts.npz").rows, plain.rows);
    let episodes = read("episodes.npz");
    assert_eq!((episodes.rows.rows(), &*episodes.rows.input_names), (300, &*plain.rows.input_names));
    assert_eq!((&*episodes.rows.episode_starts, episodes.marked), (&[0, 50, 100, 150, 200, 250][..], true));
}

#[test]
fn what_blanks_and_comments_separate_is_read() {
    let log = table("# x v action\n1.0e+00 2.0e+00 0.0e+00\n3.0e+00 4.0e+00 1.0e+00\n", None).expect("a log");
    assert_eq!(
        (&*log.rows.input_names, &*log.rows.observations),
        (&["x".to_owned(), "v".to_owned()][..], &[1.0, 2.0, 3.0, 4.0][..])
    );
    assert_eq!(actions(&log), ["0", "1"]);
    let log = table("sep=;\nx;action\n1;0\n2;1\n", None).expect("a log");
    assert_eq!(log.rows.observations, [1.0, 2.0]);
}
