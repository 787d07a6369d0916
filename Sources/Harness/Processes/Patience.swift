/// Waiting for a condition of the world outside that nobody announces.
enum Patience {
    static let pollPause = Duration.milliseconds(20)

    /// Looks again and again, until `condition` holds or the time is up.
    ///
    /// - Parameter pause: between two looks.
    /// - Returns: whether the condition held in time.
    /// - Throws: `CancellationError`, or what `condition` throws.
    static func poll(
        for patience: Duration, every pause: Duration = pollPause, _ condition: () async throws -> Bool
    ) async throws -> Bool {
        let deadline = ContinuousClock.now + patience
        while true {
            if try await condition() { return true }
            if ContinuousClock.now >= deadline { return false }
            try await Task.sleep(for: pause)
        }
    }
}

/// Does something with each element, a few at a time, in their order.
///
/// The first failure cancels the others; it is thrown when they have ended.
func forEach<Element: Sendable, Value: Sendable>(
    _ elements: [Element], atMost width: Int, _ body: @escaping @Sendable (Element) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: (Int, Value).self) { group in
        var values = [Value?](repeating: nil, count: elements.count)
        for (index, element) in elements.enumerated() {
            if index >= max(width, 1), let (done, value) = try await group.next() { values[done] = value }
            group.addTask { (index, try await body(element)) }
        }
        for try await (done, value) in group { values[done] = value }
        return values.map { $0! }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
