from keci.cache import LONGEST_KEY, Cache


def test_a_value_is_remembered_and_returned() -> None:
    cache = Cache[str, int]()
    assert cache.put("a", 1) == 1
    assert cache.get("a") == 1
    assert cache.get("b") is None


def test_a_full_cache_starts_anew() -> None:
    cache = Cache[int, int](3)
    for number in range(10):
        cache.put(number, number)
        assert cache[number] == number
        assert len(cache) <= 3
    assert dict(cache) == {9: 9}


def test_long_texts_are_not_remembered() -> None:
    cache = Cache[str, int]()
    assert cache.put("a" * LONGEST_KEY, 1) == 1
    assert cache.put("a" * (LONGEST_KEY + 1), 2) == 2
    assert list(cache) == ["a" * LONGEST_KEY]
