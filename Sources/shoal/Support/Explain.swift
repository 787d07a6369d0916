internal import API
internal import Site
internal import Storage
internal import Terminal

/// What a person reads of an error of another room, and how the program ends: the one place that decides.
@Sendable func explain(_ error: any Error) -> Failure {
    switch error {
    case let error as Failure: error
    case let error as SiteError: failure(error)
    case let error as StorageError: failure(error)
    case let error as APIError: failure(error, of: "")
    case let error as Problem: failure(error, of: "")
    case is CancellationError: Failure("", "", "it was cancelled")
    default: Failure("", "", "\(error)")
    }
}

/// - Parameter command: the name of the command that called the node, without `shoal`.
func failure(_ error: APIError, of command: String) -> Failure {
    if case .refused(let problem) = error { return failure(problem, of: command) }
    let (operation, object, cause, remedy) = error.parts
    return Failure(
        command.isEmpty ? operation : command, object, cause, remedy: sentence(remedy),
        exit: error.isUnreachable ? .unreachable : .refused)
}

private func failure(_ problem: Problem, of command: String) -> Failure {
    Failure(
        command, "", problem.detail, remedy: sentence(problem.remedy ?? ""),
        exit: problem.status == 503 ? .unreachable : .refused)
}

private func failure(_ error: SiteError) -> Failure {
    let exit: ExitCode =
        switch error.reason {
        case .missing, .permission, .readOnly, .diskFull, .system: .unreachable
        case .exists, .exposed, .path, .inUse, .malformed, .damaged, .newer: .refused
        }
    return Failure(
        "", "", "cannot \(error.operation) \(error.object): \(error.cause)", remedy: sentence(error.remedy), exit: exit)
}

private func failure(_ error: StorageError) -> Failure {
    let exit: ExitCode =
        switch error.reason {
        case .serverMissing, .directory, .diskFull, .serverFailed, .cannotConnect, .connectionLost: .unreachable
        case .serverVersion, .inUse, .conflict, .constraint, .invalidText, .schemaNewer, .cancelled, .notAllowed,
            .statement, .unexpectedData:
            .refused
        }
    let object = error.object.isEmpty ? "" : " \(error.object)"
    return Failure(
        "", "", "cannot \(error.operation)\(object): \(error.cause)", remedy: sentence(error.remedy), exit: exit)
}

/// A remedy as the sentence of its own that it becomes behind a full stop.
func sentence(_ text: String) -> String {
    text.prefix(1).uppercased() + text.dropFirst()
}
