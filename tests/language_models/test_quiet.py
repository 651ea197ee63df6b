from uncollapse.language_models.quiet import quiet


def test_no_bar_is_shown_within_and_all_is_as_it_was_afterwards(capfd):
    from transformers import modeling_gguf_pytorch_utils as gguf
    from transformers.utils import logging

    before = gguf.tqdm, logging.is_progress_bar_enabled(), logging.get_verbosity()
    with quiet():
        assert list(gguf.tqdm([1, 2, 3], desc="Converting")) == [1, 2, 3]
        assert list(logging.tqdm([1, 2, 3], desc="Loading")) == [1, 2, 3]
    assert capfd.readouterr() == ("", "")
    assert (gguf.tqdm, logging.is_progress_bar_enabled(), logging.get_verbosity()) == before
