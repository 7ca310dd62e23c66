import numpy as np
import pandas as pd
import pytest

from sequoia_stats.errors import InputError
from sequoia_stats.plots import learning_curves
from tests.build.drawn import beyond_the_edge, lines, overlapping, words


def make_log(*networks, epochs=30):
    """Curves that fall, of which every third epoch before the twentieth is saved."""
    epoch = np.arange(epochs)
    return pd.concat(
        pd.DataFrame(
            {
                "network": network,
                "epoch": epoch,
                "train_mse": 30.0 * 0.8**epoch + 0.01 * (i + 1),
                "val_mse": 30.0 * 0.8**epoch + 0.2 * (i + 1),
                "val_r": 0.4 - 0.3 * 0.9**epoch,
                "saved": (epoch % 3 == 0) & (epoch < 20),
            }
        )
        for i, network in enumerate(networks)
    )


@pytest.mark.parametrize(("gid", "column"), [("train-b", "train_mse"), ("val-b", "val_mse")])
def test_errors_are_drawn_by_epoch(gid, column):
    log = make_log("a", "b")
    want = log.loc[log["network"] == "b", ["epoch", column]]
    np.testing.assert_array_equal(lines(learning_curves(log))[gid].get_xydata(), want)


def test_correlations_are_in_the_second_panel():
    log = make_log("a")
    drawn = {line.get_gid(): line for line in learning_curves(log).axes[1].lines}
    np.testing.assert_array_equal(drawn["r-a"].get_xydata(), log[["epoch", "val_r"]])


def test_the_last_epoch_that_was_saved_is_marked():
    assert lines(learning_curves(make_log("a")))["kept-a"].get_xdata().tolist() == [18]


def test_nothing_is_marked_where_nothing_was_saved():
    assert "kept-a" not in lines(learning_curves(make_log("a").assign(saved=False)))


def test_the_error_of_the_mean_is_a_line():
    assert lines(learning_curves(make_log("a"), mean_mse=0.2))["mean"].get_ydata()[0] == 0.2


def test_names_are_written_and_do_not_overlap():
    names = ["Linearized transformer", "Transformer", "Tile MLP", "Labels shuffled"]
    figure = learning_curves(make_log(*names), mean_mse=0.2, title="Learning")
    assert all(name in words(figure) for name in names)
    assert not overlapping(figure) and not beyond_the_edge(figure)


def test_without_epochs_the_figure_says_so():
    assert "no epochs" in words_of_empty()


def words_of_empty():
    figure = learning_curves(make_log("a").iloc[:0])
    return "\n".join(item.get_text() for item in figure.texts)


def test_a_log_without_a_column_is_refused():
    with pytest.raises(InputError, match="no column val_r"):
        learning_curves(make_log("a").drop(columns="val_r"))
