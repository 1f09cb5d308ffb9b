"""Django's checks of a password, saying what to do next in the game's own voice."""

from django.contrib.auth import password_validation as checks
from django.utils.translation import gettext as _


class SimilarityValidator(checks.UserAttributeSimilarityValidator):
    """Refuses a password that is nearly the e-mail or the nickname."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("email", "nickname"))

    def get_error_message(self) -> str:
        """Return the refusal; Django fills in which attribute it resembles."""
        return _("비밀번호가 다른 정보(%(verbose_name)s)와 너무 비슷해요. 다르게 정해 주세요.")

    def get_help_text(self) -> str:
        """Return the rule."""
        return _("이메일이나 닉네임과 다르게 정해 주세요.")


class LengthValidator(checks.MinimumLengthValidator):
    """Refuses a password that is too short."""

    def get_error_message(self) -> str:
        """Return the refusal."""
        return _("비밀번호가 너무 짧아요. %(count)d자 이상으로 정해 주세요.") % {"count": self.min_length}

    def get_help_text(self) -> str:
        """Return the rule."""
        return _("%(count)d자 이상이어야 해요.") % {"count": self.min_length}


class CommonValidator(checks.CommonPasswordValidator):
    """Refuses the passwords that everybody tries first."""

    def get_error_message(self) -> str:
        """Return the refusal."""
        return _("너무 흔한 비밀번호예요. 다르게 정해 주세요.")

    def get_help_text(self) -> str:
        """Return the rule."""
        return _("흔한 비밀번호는 쓸 수 없어요.")


class NumericValidator(checks.NumericPasswordValidator):
    """Refuses digits alone."""

    def get_error_message(self) -> str:
        """Return the refusal."""
        return _("숫자만으로는 부족해요. 글자를 섞어 주세요.")

    def get_help_text(self) -> str:
        """Return the rule."""
        return _("숫자로만 정할 수 없어요.")
