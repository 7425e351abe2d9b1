//! Arrays of any shape and type come back as they were written.

use super::arrays::{Arrays, Kind};
use super::{ActionsFormat, npy};
use crate::numpy::Array;
use kanrl_core::action::ActionBatch;
use kanrl_core::space::{ActionSpace, BoxSpace, Coordinate, DiscreteSpace, ElementType};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

/// An array as a file holds it, and as it is to be read.
#[derive(Clone, Debug)]
struct Stored {
    descr: &'static str,
    shape: Vec<usize>,
    /// Row-major.
    data: Vec<u8>,
    values: Vec<f64>,
}

type FromBits = fn(u64) -> f64;

/// NumPy's names, safetensors' (which is always little-endian), bytes and meaning.
static TYPES: [(&str, Option<Dtype>, usize, FromBits); 18] = [
    ("<f4", Some(Dtype::F32), 4, |bits| f32::from_bits(bits as u32).into()),
    (">f4", None, 4, |bits| f32::from_bits(bits as u32).into()),
    ("<f8", Some(Dtype::F64), 8, f64::from_bits),
    (">f8", None, 8, f64::from_bits),
    ("|b1", Some(Dtype::BOOL), 1, |bits| (bits as u8).into()),
    ("|i1", Some(Dtype::I8), 1, |bits| (bits as i8).into()),
    ("<i2", Some(Dtype::I16), 2, |bits| (bits as i16).into()),
    (">i2", None, 2, |bits| (bits as i16).into()),
    ("<i4", Some(Dtype::I32), 4, |bits| (bits as i32).into()),
    (">i4", None, 4, |bits| (bits as i32).into()),
    ("<i8", Some(Dtype::I64), 8, |bits| bits as i64 as f64),
    (">i8", None, 8, |bits| bits as i64 as f64),
    ("|u1", Some(Dtype::U8), 1, |bits| (bits as u8).into()),
    ("<u2", Some(Dtype::U16), 2, |bits| (bits as u16).into()),
    ("<u4", Some(Dtype::U32), 4, |bits| (bits as u32).into()),
    (">u4", None, 4, |bits| (bits as u32).into()),
    ("<u8", Some(Dtype::U64), 8, |bits| bits as f64),
    (">u8", None, 8, |bits| bits as f64),
];

fn stored() -> impl Strategy<Value = Stored> {
    let shape = prop::collection::vec(0_usize..5, 0..4);
    (prop::sample::select(&TYPES[..]), shape).prop_flat_map(|((descr, _, size, value), shape)| {
        let count = shape.iter().product::<usize>();
        prop::collection::vec(any::<u64>(), count).prop_map(move |bits| {
            let element = |bits: &u64| {
                let mut bytes = bits.to_le_bytes()[..size].to_vec();
                if descr.starts_with('>') {
                    bytes.reverse();
                }
                bytes
            };
            let (data, values) =
                (bits.iter().flat_map(element).collect(), bits.iter().map(|bits| value(*bits)).collect());
            Stored { descr, shape: shape.clone(), data, values }
        })
    })
}

/// NaN is NaN.
fn same(read: &Array, written: &Stored) -> bool {
    let equal = |(a, b): (&f64, &f64)| a == b || a.is_nan() && b.is_nan();
    read.shape == written.shape
        && read.values.len() == written.values.len()
        && read.values.iter().zip(&written.values).all(equal)
}

fn kind(descr: &str) -> Kind {
    match descr.as_bytes()[1] {
        b'f' => Kind::Floats,
        b'b' => Kind::Flags,
        _ => Kind::Integers,
    }
}

fn zipped(members: &[(String, Vec<u8>)], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(name, options).expect("a member");
        writer.write_all(bytes).expect("its bytes");
    }
    writer.finish().expect("an archive").into_inner()
}

proptest! {
    #[test]
    fn npy_files(written in stored()) {
        let (read, read_kind) = npy::read(&npy::write(written.descr, &written.shape, &written.data)).expect("an array");
        prop_assert!(same(&read, &written), "{read:?}");
        prop_assert_eq!(read_kind, kind(written.descr));
    }

    #[test]
    fn npy_files_that_are_stored_column_by_column(rows in 0_usize..6, columns in 0_usize..6, salt in any::<u64>()) {
        let value = |row: usize, column: usize| (salt as u32 ^ (row * 31 + column) as u32) as f32;
        let by_column: Vec<u8> = (0..columns)
            .flat_map(|column| (0..rows).flat_map(move |row| value(row, column).to_le_bytes()))
            .collect();
        let bytes = npy::write("<f4", &[rows, columns], &by_column);
        let at = bytes.windows(5).position(|text| text == b"False").expect("an order");
        // As long as `False`, so that the header's length stays right.
        let bytes = [&bytes[..at], b"True ", &bytes[at + 5..]].concat();
        let (read, _) = npy::read(&bytes).expect("an array");
        let by_row: Vec<f64> =
            (0..rows).flat_map(|row| (0..columns).map(move |column| value(row, column).into())).collect();
        prop_assert_eq!(read, Array { shape: vec![rows, columns], values: by_row });
    }

    #[test]
    fn npz_files(written in prop::collection::vec(stored(), 0..4), deflated in any::<bool>()) {
        let member = |(index, array): (usize, &Stored)| {
            (format!("array_{index}.npy"), npy::write(array.descr, &array.shape, &array.data))
        };
        let members: Vec<_> = written.iter().enumerate().map(member).collect();
        let method = if deflated { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
        let bytes = zipped(&members, SimpleFileOptions::default().compression_method(method));
        let read = Arrays::read_npz("x.npz".to_owned(), bytes).expect("arrays");
        prop_assert_eq!(read.columns.len(), written.len());
        for (index, (array, column)) in written.iter().zip(&read.columns).enumerate() {
            prop_assert_eq!(&column.name, &format!("array_{index}"));
            prop_assert!(same(&column.array, array), "{column:?}");
            prop_assert_eq!(&column.kind, &kind(array.descr));
        }
    }

    #[test]
    fn safetensors_files(written in prop::collection::vec(stored(), 0..4)) {
        let dtype = |array: &Stored| TYPES.iter().find(|(descr, ..)| *descr == array.descr).and_then(|(_, dtype, ..)| *dtype);
        let written: Vec<(Dtype, Stored)> =
            written.into_iter().filter_map(|array| dtype(&array).map(|dtype| (dtype, array))).collect();
        fn view((index, (dtype, array)): (usize, &(Dtype, Stored))) -> (String, TensorView<'_>) {
            (format!("array_{index}"), TensorView::new(*dtype, array.shape.clone(), &array.data).expect("a tensor"))
        }
        let tensors: Vec<(String, TensorView<'_>)> = written.iter().enumerate().map(view).collect();
        let bytes = safetensors::serialize(tensors, None).expect("a file");
        let read = Arrays::read_safetensors("x.safetensors".to_owned(), bytes).expect("arrays");
        prop_assert_eq!(read.columns.len(), written.len());
        for ((_, array), column) in written.iter().zip(&read.columns) {
            prop_assert!(same(&column.array, array), "{column:?}");
            prop_assert_eq!(&column.kind, &kind(array.descr));
        }
    }

    #[test]
    fn csv_files(
        names in prop::collection::hash_set("[a-z_\"é][a-z0-9 ,\"\n]{0,6}[a-z_é]", 1..5),
        rows in prop::collection::vec(prop::collection::vec(prop::num::f64::ANY, 5), 0..8),
    ) {
        let names: Vec<String> = names.into_iter().collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&names).expect("a header");
        for row in &rows {
            writer.write_record(row[..names.len()].iter().map(f64::to_string)).expect("a row");
        }
        let bytes = writer.into_inner().expect("a table");
        let read = Arrays::read_csv("x.csv".to_owned(), bytes).expect("columns");
        prop_assert_eq!(read.columns.len(), names.len());
        for (column, (name, read)) in names.iter().zip(&read.columns).enumerate() {
            let array = &read.array;
            prop_assert_eq!(name, &read.name);
            prop_assert_eq!(&array.shape, &[rows.len()]);
            let equal = |(a, b): (&f64, f64)| *a == b || a.is_nan() && b.is_nan();
            prop_assert!(array.values.iter().zip(rows.iter().map(|row| row[column])).all(equal));
        }
    }

    /// Episodes by any names are the episodes by their numbers.
    #[test]
    fn names_of_episodes(episodes in prop::collection::vec(0_usize..4, 2..20)) {
        const NAMES: [&str; 4] = ["first", "2", "the third", "x"];
        let table = |episode: &dyn Fn(usize) -> String| -> String {
            let lines = episodes.iter().enumerate().map(|(row, number)| format!("{},{row},{}\n", episode(*number), row % 2));
            std::iter::once("episode,x,action\n".to_owned()).chain(lines).collect()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let read = |text: String| {
            let path = folder.path().join("log.csv");
            std::fs::write(&path, text).expect("a file");
            super::read_log(&path, None, None).map(|log| log.rows).map_err(|error| error.to_string())
        };
        let (by_name, by_number) =
            (read(table(&|number| NAMES[number].to_owned())), read(table(&|number| number.to_string())));
        prop_assert_eq!(by_name.expect("a log"), by_number.expect("a log"));
    }

    /// What `kanrl act` writes is what a log would have.
    #[test]
    fn actions(numbers in prop::collection::vec(-1e30_f32..1e30, 0..24), size in 1_usize..5, discrete in any::<bool>()) {
        let (space, actions) = if discrete {
            let actions = numbers.iter().map(|number| number.abs() as usize % 7).collect();
            (ActionSpace::Discrete(DiscreteSpace::new((0..7).map(|index| format!("{index}")))), ActionBatch::Discrete(actions))
        } else {
            let coordinates = (0..size).map(|index| Coordinate::new(format!("a_{index}"), "", -1.0, 1.0)).collect();
            let values = numbers[..numbers.len() / size * size].to_vec();
            (ActionSpace::Box(BoxSpace::new(ElementType::F32, coordinates)), ActionBatch::Continuous { values, size })
        };
        let (shape, values): (Vec<usize>, Vec<f64>) = match &actions {
            ActionBatch::Discrete(actions) => (vec![actions.len()], actions.iter().map(|action| *action as f64).collect()),
            ActionBatch::Continuous { values, size } => {
                (vec![values.len() / size, *size], values.iter().map(|value| f64::from(*value)).collect())
            }
        };
        let (npy, _) = npy::read(&ActionsFormat::Npy.encode(&actions, &space)).expect("an array");
        prop_assert_eq!((&npy.shape, &npy.values), (&shape, &values));
        let bytes = ActionsFormat::Safetensors.encode(&actions, &space);
        let read = Arrays::read_safetensors("x".to_owned(), bytes).expect("a tensor");
        prop_assert_eq!((&*read.columns[0].name, &read.columns[0].array), ("actions", &npy));
        let read = Arrays::read_csv("x".to_owned(), ActionsFormat::Csv.encode(&actions, &space)).expect("a table");
        let rows = shape[0];
        let by_row: Vec<f32> = (0..rows).flat_map(|row| read.columns.iter().map(move |column| column.array.values[row] as f32)).collect();
        prop_assert_eq!(by_row, values.iter().map(|value| *value as f32).collect::<Vec<f32>>());
        let names: Vec<&str> = read.columns.iter().map(|column| column.name.as_str()).collect();
        let expected = ["action_0", "action_1", "action_2", "action_3"];
        prop_assert_eq!(names, if discrete { &["action"] } else { &expected[..size] });
    }
}
