//! The boundary to Python: `eegrpc.mapper._rust`. Bytes in, bytes out; the GIL is not held while anything long runs.

use std::panic::{catch_unwind, AssertUnwindSafe};

use pyo3::create_exception;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::{Error, Kind, Options, Output, Part, Plan, Result, Skipped};

/// Work on fewer bytes is over before another thread could have been woken.
const WORTH_DETACHING: usize = 4096;
/// So much is copied to Python at once: it stays in the processor's cache, and other threads do not wait for it long.
const PIECE: usize = 256 << 10;

create_exception!(
    _rust,
    RefusedError,
    PyException,
    "Input that was refused: (kind, message, path, offset or None, type that an Any wanted or None)."
);

/// A schema compiled for one message type.
#[pyclass(name = "Plan", module = "eegrpc.mapper._rust", frozen)]
struct PyPlan(Plan);

/// (fields, enum names, names of fields, names of enum values).
type SkippedTuple = (u64, u64, Vec<(String, String)>, Vec<(String, String)>);

#[pymethods]
impl PyPlan {
    /// Compile the message type `root` from an encoded FileDescriptorSet; `others` are types for google.protobuf.Any.
    #[new]
    #[pyo3(signature = (
        file_descriptor_set, root, others, *, ignore_unknown_fields, ignore_unknown_enum_names,
        preserving_proto_field_name, always_print_fields_with_no_presence, use_integers_for_enums
    ))]
    #[allow(
        clippy::too_many_arguments,
        clippy::fn_params_excessive_bools,
        clippy::needless_pass_by_value,
        reason = "keywords, on the Python side"
    )]
    fn new(
        file_descriptor_set: &[u8],
        root: &str,
        others: Vec<String>,
        ignore_unknown_fields: bool,
        ignore_unknown_enum_names: bool,
        preserving_proto_field_name: bool,
        always_print_fields_with_no_presence: bool,
        use_integers_for_enums: bool,
    ) -> PyResult<Self> {
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let options = Options {
            ignore_unknown_fields,
            ignore_unknown_enum_names,
            preserving_proto_field_name,
            always_print_fields_with_no_presence,
            use_integers_for_enums,
        };
        guard(|| Plan::new(file_descriptor_set, root, &others, options)).map(PyPlan).map_err(refused)
    }

    /// Return the JSON of an encoded message.
    fn to_json<'py>(&self, py: Python<'py>, wire: &Bound<'py, PyBytes>) -> PyResult<Made<'py>> {
        let input = wire.as_bytes();
        let output = detached(py, input.len(), || guard(|| self.0.to_json(input)))?;
        made(py, output)
    }

    /// Return the encoding of a message in JSON, and what was skipped, or None.
    ///
    /// Of much, whole fields are given to `take`, in order, as they are ready, and what is returned is the rest.
    fn to_wire<'py>(
        &self,
        py: Python<'py>,
        json: &Bound<'py, PyBytes>,
        take: &Bound<'py, PyAny>,
    ) -> PyResult<(Made<'py>, Option<SkippedTuple>)> {
        let input = json.as_bytes();
        let take = take.as_unbound();
        let mut raised = None;
        let mut give = |parts: &[Part<'_>]| {
            let given =
                Python::attach(|py| parts.iter().try_for_each(|part| take.call1(py, (bytes(py, part)?,)).map(drop)));
            given.map_err(|error| {
                raised = Some(error);
                Error::new(Kind::Bug, "nobody takes it")
            })
        };
        let outcome = detached(py, input.len(), || guard(|| self.0.to_wire(input, &mut give)));
        if let Some(error) = raised {
            return Err(error);
        }
        let (output, skipped) = outcome?;
        let tuple = |skipped: Skipped| (skipped.fields, skipped.enum_names, skipped.field_names, skipped.value_names);
        Ok((made(py, output)?, skipped.map(tuple)))
    }
}

/// Run `work` on so many bytes, without the GIL if that is worth it.
fn detached<T: Send>(py: Python<'_>, size: usize, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    let outcome = if size > WORTH_DETACHING { py.detach(work) } else { work() };
    outcome.map_err(refused)
}

/// A panic is a bug of ours, and an error like others to the caller: PyO3's own PanicException is a BaseException.
fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let text = format!("the native mapper has a bug ({}); please report it", what.unwrap_or("unknown"));
        Err(Error::new(Kind::Bug, text))
    })
}

/// What a call made, as Python takes it: bytes, or where they are many, piece by piece.
#[derive(IntoPyObject)]
enum Made<'py> {
    Bytes(Bound<'py, PyBytes>),
    Output(PyOutput),
}

/// Much output, which is taken from its end.
#[pyclass(name = "Output", module = "eegrpc.mapper._rust")]
struct PyOutput(Output);

#[pymethods]
impl PyOutput {
    /// How many bytes are left.
    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Take the last piece: some hundred kilobytes, or what is left. Its memory is freed.
    fn pop<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.0.take_last(PIECE, |part| bytes(py, part))
    }
}

fn made(py: Python<'_>, mut output: Output) -> PyResult<Made<'_>> {
    if output.len() > PIECE {
        return Ok(Made::Output(PyOutput(output)));
    }
    output.take_last(PIECE, |part| bytes(py, part)).map(Made::Bytes)
}

fn bytes<'py>(py: Python<'py>, part: &Part<'_>) -> PyResult<Bound<'py, PyBytes>> {
    match part.as_slice() {
        Some(bytes) => Ok(PyBytes::new(py, bytes)),
        None => PyBytes::new_with(py, part.len(), |target| {
            part.copy_to(target);
            Ok(())
        }),
    }
}

#[cold]
#[allow(clippy::needless_pass_by_value, reason = "it ends here")]
fn refused(error: Error) -> PyErr {
    let wanted = error.wanted_type().map(str::to_owned);
    RefusedError::new_err((error.kind().name(), error.message().to_owned(), error.path(), error.offset(), wanted))
}

/// Whether it is certain that an encoded Expression can be evaluated.
#[pyfunction]
fn is_sound_expression(py: Python<'_>, wire: &Bound<'_, PyBytes>) -> PyResult<bool> {
    let input = wire.as_bytes();
    detached(py, input.len(), || guard(|| Ok(crate::is_sound_expression(input))))
}

#[pymodule(gil_used = false)]
fn _rust(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyPlan>()?;
    module.add_class::<PyOutput>()?;
    module.add_function(wrap_pyfunction!(is_sound_expression, module)?)?;
    module.add("RefusedError", module.py().get_type::<RefusedError>())
}
