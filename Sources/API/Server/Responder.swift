/// Answers one request, now or later, from any thread.
///
/// The first answer counts; a responder that is dropped without one answers 500.
public final class Responder: Sendable {
    private let exchange: Exchange

    init(_ exchange: Exchange) {
        self.exchange = exchange
    }

    deinit {
        exchange.deliver(.problem(.internalError("the request was dropped without an answer")))
    }

    /// Sends the answer; false if there was one already, or the server gave up waiting.
    @discardableResult
    public func send(_ response: Response) -> Bool {
        exchange.deliver(response)
    }

    /// Whether the client has closed its side, so that a long computation need not be finished.
    public var isClientGone: Bool { exchange.isClientGone }
}
